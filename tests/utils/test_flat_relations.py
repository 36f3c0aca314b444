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
    chosen = (torch.rand(size, size, generator=generator) < density / size).triu(1)
    ends = chosen.nonzero().T
    attr = torch.stack([torch.randint(0, n, (ends.size(1),), generator=generator) for n in (5, 6, 2)], dim=1)
    return Data(edge_index=torch.cat([ends, ends.flip(0)], 1), edge_attr=torch.cat([attr, attr]), num_nodes=size)


def flat(batch: Batch, hops: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    relations = flat_relations(batch.edge_index, batch.edge_attr, batch.ptr.diff(), hops)
    return relations["spd"], relations["bond_path"]


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


@pytest.mark.parametrize(("vocabulary", "shape"), [(4, (-1,)), (4, (-1, 1)), (255, (-1,))])
def test_bonds_of_one_category(vocabulary: int, shape: tuple[int, ...]):
    one = graph(30, 2.5, 3)
    kinds = torch.arange(one.num_edges // 2) % vocabulary
    kinds = torch.cat([kinds, kinds])
    found = flat_relations(one.edge_index, kinds.view(shape), torch.tensor([30]), 4, vocabulary)
    mask = torch.ones(1, 30, dtype=torch.bool)
    dense = dense_relations(one.edge_index, kinds, mask, None, 4, vocabulary)
    assert torch.equal(found["spd"].view(1, 30, 30), dense["spd"])
    assert torch.equal(found["bond_path"].view(1, 30, 30, 4), dense["bond_path"])
    source, target = one.edge_index
    assert torch.equal(found["bond_path"].view(30, 30, 4)[source, target, 0].long(), 1 + kinds)


def test_bonds_that_are_not_told_apart_have_no_path():
    one = graph(30, 2.5, 3)
    with_path = flat_relations(one.edge_index, one.edge_attr, torch.tensor([30]))
    for attr, vocabulary in ((one.edge_attr.float(), None), (None, None), (None, "ogb")):
        found = flat_relations(one.edge_index, attr, torch.tensor([30]), bond_vocabulary=vocabulary)
        assert found.keys() == {"spd"}
        assert torch.equal(found["spd"], with_path["spd"])


def test_a_bond_has_one_kind():
    ends, kinds = torch.tensor([[0, 1, 0], [1, 0, 1]]), torch.tensor([2, 2, 2])
    assert flat_relations(ends, kinds, torch.tensor([2]), 1, 3)["bond_path"].flatten().tolist() == [0, 3, 3, 0]
    with pytest.raises(ValueError, match="given twice with different features"):
        flat_relations(ends, torch.tensor([2, 2, 1]), torch.tensor([2]), 1, 3)


def test_no_molecules():
    relations = flat_relations(torch.zeros(2, 0).long(), torch.zeros(0, 3).long(), torch.tensor([]).long())
    assert {name: tuple(values.shape) for name, values in relations.items()} == {"spd": (0,), "bond_path": (0, 5)}
