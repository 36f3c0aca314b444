import networkx as nx
import numpy as np
import pytest
import samples
import torch
from torch_geometric.data import Batch
from torch_geometric.transforms import AddRandomWalkPE
from torch_geometric.utils import to_networkx

from pyg_moleblend.nn import RandomWalkBias
from pyg_moleblend.nn.relations.random_walk import walk_probabilities
from pyg_moleblend.utils import DenseMolecules, pack


def packed() -> DenseMolecules:
    return pack(Batch.from_data_list(samples.molecules()), ["spd"])


def test_probabilities_are_powers_of_the_step():
    molecules = packed()
    found = walk_probabilities(molecules.pairs["spd"], molecules.mask, 5, torch.float64).numpy()
    for values, data in zip(found, samples.molecules(), strict=True):
        size = data.num_nodes
        adjacency = nx.to_numpy_array(to_networkx(data, to_undirected=True), nodelist=range(size))
        step = adjacency / np.maximum(adjacency.sum(1, keepdims=True), 1)
        for k in range(5):
            np.testing.assert_allclose(values[:size, :size, k], np.linalg.matrix_power(step, k + 1), atol=1e-12)
        assert not values[size:].any()


def test_return_probabilities_are_pygs():
    data = samples.molecules()[2]
    molecules = pack(data, ["spd"])
    walks = walk_probabilities(molecules.pairs["spd"], molecules.mask, 6)[0]
    expected = AddRandomWalkPE(6, attr_name="walks")(data.clone()).walks
    torch.testing.assert_close(walks.diagonal(dim1=0, dim2=1).T, expected)


def test_walks_from_an_atom_with_bonds_end_somewhere():
    molecules = packed()
    total = walk_probabilities(molecules.pairs["spd"], molecules.mask, 4).sum(2)
    bonded = molecules.degree > 0
    torch.testing.assert_close(total[bonded], torch.ones_like(total[bonded]))
    assert not total[~bonded].any()


def test_autocast_does_not_make_walks_less_exact():
    molecules = packed()
    expected = walk_probabilities(molecules.pairs["spd"], molecules.mask, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(walk_probabilities(molecules.pairs["spd"], molecules.mask, 6), expected)


def test_bias_is_a_linear_map_of_them():
    module, molecules = samples.randomized(RandomWalkBias(heads=3, num_steps=4)), packed()
    walks = walk_probabilities(molecules.pairs["spd"], molecules.mask, 4)
    expected = walks @ module.linear.weight.T + module.linear.bias
    torch.testing.assert_close(module(molecules), expected.permute(0, 3, 1, 2))


def test_a_walk_has_a_step():
    with pytest.raises(ValueError, match="got 0"):
        RandomWalkBias(2, num_steps=0)
