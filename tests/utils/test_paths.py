from itertools import product

import golden_data
import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pyg_moleblend.fields import SPD_MAX, SPD_UNREACHABLE, bond_class
from pyg_moleblend.utils import bond_paths, dense_bonds, shortest_paths
from pyg_moleblend.utils.paths import floyd_warshall


def random_adjacency(size: int, density: float, seed: int, directed: bool = False) -> Tensor:
    drawn = torch.rand(size, size, generator=torch.Generator().manual_seed(seed)) < density
    drawn = drawn if directed else drawn | drawn.T
    return drawn & ~torch.eye(size, dtype=torch.bool)


def networkx_lengths(adjacency: Tensor) -> Tensor:
    size = adjacency.size(0)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(size))
    graph.add_edges_from(adjacency.nonzero().tolist())
    lengths = torch.full((size, size), SPD_UNREACHABLE)
    for source, found in nx.all_pairs_shortest_path_length(graph):
        for target, length in found.items():
            lengths[source, target] = min(length, SPD_MAX)
    return lengths


def reference_bonds(bonds: list[list[int]], hops: int) -> list[list[list[int]]]:
    r"""The rule of the method, written out: Floyd-Warshall, then the path by recursion over intermediates."""
    size, infinite = len(bonds), float("inf")
    length = [[0 if i == j else 1 if bonds[i][j] else infinite for j in range(size)] for i in range(size)]
    via: list[list[int | None]] = [[None] * size for _ in range(size)]
    for k, i, j in product(range(size), repeat=3):
        if length[i][k] + length[k][j] < length[i][j]:
            length[i][j], via[i][j] = length[i][k] + length[k][j], k

    def walk(i: int, j: int) -> list[int]:
        k = via[i][j]
        return [bonds[i][j]] if k is None else walk(i, k) + walk(k, j)

    paths = [[walk(i, j) if 0 < length[i][j] < infinite else [] for j in range(size)] for i in range(size)]
    return [[(path + [0] * hops)[:hops] for path in row] for row in paths]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 14), st.sampled_from([0.05, 0.15, 0.3, 0.7]), st.integers(0, 10**6), st.booleans(), st.integers(1, 7)
)
def test_lengths_and_paths_of_random_graphs(size: int, density: float, seed: int, directed: bool, hops: int):
    adjacency = random_adjacency(size, density, seed, directed)
    classes = torch.randint(1, 61, (size, size), generator=torch.Generator().manual_seed(seed))
    bonds = (classes * adjacency).to(torch.uint8)[None]
    paths = shortest_paths(bonds)
    assert torch.equal(paths.spd[0].long(), networkx_lengths(adjacency))
    assert bond_paths(bonds, paths.first_hop, hops)[0].tolist() == reference_bonds(bonds[0].tolist(), hops)


@pytest.mark.parametrize("size", [62, 63, 90])
def test_paths_on_either_side_of_the_wider_integer(size: int):
    adjacency = random_adjacency(size, 0.03, seed=size)
    bonds = adjacency.to(torch.uint8)[None]
    bonds[:, size // 2, size // 2 + 1] = bonds[:, size // 2 + 1, size // 2] = 7
    paths = shortest_paths(bonds)
    assert torch.equal(paths.spd[0].long(), networkx_lengths(bonds[0] != 0))
    assert bond_paths(bonds, paths.first_hop, 5)[0].tolist() == reference_bonds(bonds[0].tolist(), 5)


@pytest.mark.parametrize("size", [62, 63, 300])
def test_lengths_of_a_long_chain_are_capped(size: int):
    atom = torch.arange(size)
    hops = (atom[:, None] - atom).abs()
    spd, first_hop = shortest_paths(hops == 1)
    assert torch.equal(spd.long(), hops.clamp(max=SPD_MAX))
    assert torch.equal(first_hop, atom[:, None] + (atom - atom[:, None]).sign())


def test_a_batch_is_its_molecules():
    graphs = [random_adjacency(9, density, seed) for seed, density in enumerate((0.1, 0.2, 0.4))]
    together = shortest_paths(torch.stack(graphs))
    for number, graph in enumerate(graphs):
        alone = shortest_paths(graph)
        assert torch.equal(together.spd[number], alone.spd)
        assert torch.equal(together.first_hop[number], alone.first_hop)


def test_results_types_and_unreached_pairs():
    spd, first_hop = shortest_paths(torch.zeros(2, 3, 3))
    assert spd.dtype == torch.uint8
    assert torch.equal(spd[0], torch.full((3, 3), SPD_UNREACHABLE).fill_diagonal_(0).byte())
    assert torch.equal(first_hop, torch.arange(3).expand(2, 3, 3))
    assert not bond_paths(torch.zeros(2, 3, 3).byte(), first_hop).any()


def test_a_bond_of_an_atom_with_itself_is_on_no_path():
    bonds = torch.tensor([[[9, 2, 0], [2, 9, 3], [0, 3, 9]]]).byte()
    batch = torch.zeros(3, dtype=torch.long)
    edge_index, counts = bonds[0].nonzero().T, torch.tensor([3])
    bonds = dense_bonds(edge_index, bonds[0][tuple(edge_index)], batch, counts, 3)
    path = bond_paths(bonds, shortest_paths(bonds).first_hop, 4)
    assert path[0, 0].tolist() == [[0, 0, 0, 0], [2, 0, 0, 0], [2, 3, 0, 0]]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 3), (1, 1, 2, 2)])
def test_adjacency_of_another_shape_is_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="adjacency"):
        shortest_paths(torch.zeros(shape))


def test_molecules_beyond_the_limit_are_refused_before_memory_is_taken():
    with pytest.raises(ValueError, match="16383 atoms a molecule, got 16384"):
        shortest_paths(torch.zeros(1, 1, 1).bool().expand(1, 16384, 16384))


def test_inputs_are_not_written_to():
    bonds = random_adjacency(8, 0.3, 0).to(torch.uint8)[None]
    before = bonds.clone()
    first_hop = shortest_paths(bonds).first_hop
    kept = first_hop.clone()
    bond_paths(bonds, first_hop)
    assert torch.equal(bonds, before)
    assert torch.equal(first_hop, kept)


@pytest.mark.parametrize("batched", [True, False])
def test_dense_bonds_places_every_bond(batched: bool):
    cases = golden_data.relation_cases()[: 5 if batched else 1]
    graphs = [case.graph for case in cases]
    counts = torch.tensor([graph.num_nodes for graph in graphs])
    start = counts.cumsum(0) - counts
    edge_index = torch.cat([graph.edge_index + first for graph, first in zip(graphs, start, strict=True)], dim=1)
    classes = torch.cat([bond_class(graph.edge_attr) for graph in graphs])
    batch = torch.repeat_interleave(counts) if batched else None
    dense = dense_bonds(edge_index, classes, batch, counts, int(counts.max()) + 2)
    expected = torch.zeros_like(dense)
    for number, graph in enumerate(graphs):
        for (source, target), feature in zip(graph.edge_index.T.tolist(), graph.edge_attr, strict=True):
            expected[number, source, target] = bond_class(feature)
    assert expected.any()
    assert torch.equal(dense, expected)


@pytest.mark.parametrize(("size", "batch"), [(1, 2), (9, 5), (62, 3), (70, 2), (300, 1)])
def test_arrays_and_tensors_of_any_layout_have_the_same_paths(size: int, batch: int):
    bonds = torch.stack([random_adjacency(size, 1.5 / size, seed) for seed in range(batch)])
    expected = shortest_paths(bonds)
    for tensor in (bonds.mT, bonds.permute(1, 2, 0).contiguous().permute(2, 0, 1)):  # symmetric: its own transpose
        assert all(torch.equal(one, other) for one, other in zip(shortest_paths(tensor), expected, strict=True))
    bonded = bonds.permute(1, 2, 0).contiguous()
    before = bonded.clone()
    found = floyd_warshall(bonded)
    for tensor, array in zip(found, floyd_warshall(bonded.numpy()), strict=True):
        assert tensor.numpy().dtype == array.dtype
        assert np.array_equal(tensor.numpy(), array)
    assert torch.equal(found[0].permute(2, 0, 1), expected.spd)
    assert torch.equal(bonded, before)


def test_the_compiled_operation_is_the_function():
    r"""What it promises of its result's shape, type and layout is checked by PyTorch."""
    adjacency = (torch.rand(3, 9, 9, generator=torch.Generator().manual_seed(0)) < 0.15).to(torch.uint8)
    operation = torch.ops.pyg_moleblend.shortest_paths
    assert all(torch.equal(*pair) for pair in zip(operation(adjacency), shortest_paths(adjacency), strict=True))
    torch.library.opcheck(operation, (adjacency,), test_utils=("test_schema", "test_faketensor"))
