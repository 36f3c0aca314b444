import golden_data
import pytest
import torch

from pyg_moleblend.fields import bond_class
from pyg_moleblend.utils import bond_paths, shortest_paths, to_dense_atom
from pyg_moleblend.utils.layout import dense_coordinates, dense_relations

MASK = torch.tensor([[True, True, True], [True, False, False], [True, True, False]])


def coordinates() -> torch.Tensor:
    return torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def test_coordinates_are_padded_with_zeros():
    pos, known = dense_coordinates(coordinates(), MASK, 6)
    expected, _ = to_dense_atom(coordinates(), torch.tensor([0, 0, 0, 1, 2, 2]))
    assert torch.equal(pos, expected)
    assert known.all()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_molecule_with_any_unknown_coordinate_has_none(value: float):
    pos = coordinates()
    pos[1, 2] = value
    dense, known = dense_coordinates(pos, MASK, 6)
    assert known.tolist() == [False, True, True]
    assert (dense[0] == 0).all()
    assert torch.equal(dense[2, :2], pos[4:])


def test_has_pos_hides_coordinates():
    dense, known = dense_coordinates(coordinates(), MASK, 6, torch.tensor([True, True, False]))
    assert known.tolist() == [True, True, False]
    assert (dense[2] == 0).all()


def test_has_pos_does_not_make_coordinates():
    _, known = dense_coordinates(torch.full((6, 3), float("nan")), MASK, 6, torch.ones(3).bool())
    assert not known.any()


def test_without_coordinates_all_molecules_are_2d():
    pos, known = dense_coordinates(None, MASK, 6)
    assert not known.any()
    assert pos.shape == (3, 3, 3)
    assert not pos.any()


@pytest.mark.parametrize("shape", [(6, 2), (18,), (5, 3), (2, 3, 3)])
def test_coordinates_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"shape \[6, 3\], got"):
        dense_coordinates(torch.zeros(shape), MASK, 6)


@pytest.mark.parametrize("hops", [1, 3, 5, 8])
def test_relations_are_paths_of_the_bond_matrix(hops: int):
    graph = golden_data.public_graphs()[0]
    bonds = torch.zeros(1, graph.num_nodes, graph.num_nodes, dtype=torch.uint8)
    bonds[0, graph.edge_index[0], graph.edge_index[1]] = bond_class(graph.edge_attr)
    paths = shortest_paths(bonds)
    mask = torch.ones(1, graph.num_nodes).bool()
    relations = dense_relations(graph.edge_index, graph.edge_attr, mask, max_path_length=hops)
    assert torch.equal(relations["spd"], paths.spd)
    assert torch.equal(relations["bond_path"], bond_paths(bonds, paths.first_hop, hops))


def test_relations_are_zero_where_padded():
    batch = golden_data.public_batch()
    mask = golden_data.atom_mask()
    relations = dense_relations(batch.edge_index, batch.edge_attr, mask, batch.batch)
    padded = ~golden_data.pair_mask(mask)
    assert padded.any()
    assert not relations["spd"][padded].any()
    assert not relations["bond_path"][padded].any()


def test_without_features_all_bonds_are_of_the_first_class():
    graph = golden_data.public_graphs()[0]
    mask = torch.ones(1, graph.num_nodes).bool()
    plain = dense_relations(graph.edge_index, None, mask)
    named = dense_relations(graph.edge_index, torch.zeros_like(graph.edge_attr), mask)
    assert plain["bond_path"].max() == 1
    assert torch.equal(plain["bond_path"], named["bond_path"])
    assert torch.equal(plain["spd"], named["spd"])


def test_bonds_of_one_category():
    ends = torch.tensor([[0, 1, 1, 2, 3, 4], [1, 0, 2, 1, 4, 3]])
    mask, index = torch.tensor([[True, True, True], [True, True, False]]), torch.tensor([0, 0, 0, 1, 1])
    kinds = torch.tensor([2, 2, 0, 0, 1, 1])
    relations = dense_relations(ends, kinds, mask, index, 2, bond_vocabulary=3)
    assert relations["spd"].tolist() == [[[0, 1, 2], [1, 0, 1], [2, 1, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 0]]]
    assert relations["bond_path"][0, 0].tolist() == [[0, 0], [3, 0], [3, 1]]
    assert relations["bond_path"][1, 0].tolist() == [[0, 0], [2, 0], [0, 0]]


@pytest.mark.parametrize(
    ("ends", "kinds", "message"),
    [
        ([[0, 2], [1, 0]], [0, 0], r"not of their molecule, \[\[2, 0\]\] among them"),
        ([[0, 9], [1, 0]], [0, 0], r"not of their molecule, \[\[9, 0\]\]"),
        ([[0, -1], [1, 0]], [0, 0], r"not of their molecule, \[\[-1, 0\]\]"),
        (
            [[0, 1], [1, 0]],
            [0, 3],
            r"bond categories must be from 0 to 2, got values up to \[3\], from \[0\]",
        ),
        ([[0, 0], [1, 1]], [0, 1], "given twice with different features"),
    ],
)
def test_bonds_must_be_valid(ends: list[list[int]], kinds: list[int], message: str):
    mask, index = torch.ones(2, 2).bool(), torch.tensor([0, 0, 1, 1])
    with pytest.raises(ValueError, match=message):
        dense_relations(torch.tensor(ends), torch.tensor(kinds), mask, index, bond_vocabulary=3)


def test_a_bond_may_be_given_twice_and_with_itself():
    mask = torch.ones(1, 2).bool()
    ends, kinds = torch.tensor([[0, 1, 0, 1], [1, 0, 1, 1]]), torch.tensor([2, 2, 2, 0])
    again = dense_relations(ends, kinds, mask, None, 1, 3)
    once = dense_relations(ends[:, :2], kinds[:2], mask, None, 1, 3)
    assert all(torch.equal(again[name], values) for name, values in once.items())
