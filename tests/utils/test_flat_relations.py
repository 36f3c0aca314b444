import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

from pyg_moleblend.utils import bond_paths, shortest_paths
from pyg_moleblend.utils.dense import atom_mask
from pyg_moleblend.utils.flat_relations import flat_relations
from pyg_moleblend.utils.layout import dense_relations


def graph(size: int, density: float, seed: int) -> Data:
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(size, size, generator=generator).triu(1) < density / size
    ends = chosen.nonzero().T
    attr = torch.stack([torch.randint(0, n, (ends.size(1),), generator=generator) for n in (5, 6, 2)], dim=1)
    return Data(edge_index=torch.cat([ends, ends.flip(0)], 1), edge_attr=torch.cat([attr, attr]), num_nodes=size)


def flat(batch: Batch, hops: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    return flat_relations(batch.edge_index, batch.edge_attr, batch.ptr.diff(), hops)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=30),
    density=st.floats(0.5, 4),
    hops=st.integers(1, 7),
    seed=st.integers(0, 99),
)
def test_same_numbers_as_in_torch(sizes: list[int], density: float, hops: int, seed: int):
    batch = Batch.from_data_list([graph(size, density, seed + i) for i, size in enumerate(sizes)])
    spd, paths = flat(batch, hops)
    mask = atom_mask(batch.ptr.diff())
    dense = dense_relations(batch.edge_index, batch.edge_attr, mask, batch.batch, hops)
    real = mask[:, :, None] & mask[:, None, :]
    assert torch.equal(spd, dense["spd"][real])
    assert torch.equal(paths, dense["bond_path"][real])


def test_distances_are_those_of_networkx():
    one = graph(40, 2.5, 7)
    spd, _ = flat(Batch.from_data_list([graph(9, 2, 1), one]))
    expected = torch.full((40, 40), 255)
    for i, lengths in nx.all_pairs_shortest_path_length(nx.Graph(one.edge_index.T.tolist())):
        for j, length in lengths.items():
            expected[i, j] = length
    expected.fill_diagonal_(0)
    assert torch.equal(spd[81:].view(40, 40).long(), expected)


def test_a_long_chain_saturates():
    ends = torch.stack([torch.arange(299), torch.arange(1, 300)])
    chain = Data(edge_index=torch.cat([ends, ends.flip(0)], 1), edge_attr=torch.zeros(598, 3).long(), num_nodes=300)
    spd, paths = flat(Batch.from_data_list([chain]))
    assert spd.view(300, 300)[0, [0, 1, 253, 254, 299]].tolist() == [0, 1, 253, 254, 254]
    bonds = torch.zeros(1, 300, 300, dtype=torch.uint8)
    bonds[0, chain.edge_index[0], chain.edge_index[1]] = 1
    expected = bond_paths(bonds, shortest_paths(bonds).first_hop)
    assert torch.equal(paths, expected.view(-1, 5))


def test_bonds_of_an_atom_with_itself_do_not_count():
    loop = Data(edge_index=torch.tensor([[0, 0, 1], [0, 1, 0]]), edge_attr=torch.zeros(3, 3).long(), num_nodes=2)
    spd, paths = flat(Batch.from_data_list([loop]), 2)
    assert spd.tolist() == [0, 1, 1, 0]
    assert paths.tolist() == [[0, 0], [1, 0], [1, 0], [0, 0]]


@pytest.mark.parametrize(
    ("ends", "message"), [([[0], [5]], "outside the 4"), ([[0], [-1]], "outside the 4"), ([[1], [2]], "different")]
)
def test_bonds_must_stay_within_a_molecule(ends: list[list[int]], message: str):
    with pytest.raises(ValueError, match=message):
        flat_relations(torch.tensor(ends), torch.zeros(1, 3).long(), torch.tensor([2, 2]))


def test_no_molecules():
    spd, paths = flat_relations(torch.zeros(2, 0).long(), torch.zeros(0, 3).long(), torch.tensor([]).long())
    assert spd.shape == (0,)
    assert paths.shape == (0, 5)
