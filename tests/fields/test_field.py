from collections.abc import Iterator

import golden_data
import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_moleblend import fields
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.fields import (
    Field,
    declare,
    level_of,
    transforms_for,
)


@pytest.fixture(autouse=True)
def _own_fields() -> Iterator[None]:
    r"""What a test declares is forgotten afterwards."""
    before = dict(fields.FIELDS)
    yield
    fields.FIELDS.clear()
    fields.FIELDS.update(before)


def test_vocabulary_is_ogbs():
    from ogb.utils.features import get_atom_feature_dims, get_bond_feature_dims

    assert list(fields.ATOM_FEATURE_SIZES) == get_atom_feature_dims()
    assert list(fields.BOND_FEATURE_SIZES) == get_bond_feature_dims()


def test_pair_fields_are_not_given_a_meaning_by_pyg():
    assert fields.PAIR_FIELDS == ("spd", "bond_path")
    for name in fields.PAIR_FIELDS:
        assert not any(word in name for word in ("index", "batch", "ptr", "face", "edge"))


def test_field_names_are_unique():
    names = [field.name for field in fields.FIELDS.values()]
    assert len(names) == len(set(names))
    assert names == list(fields.FIELDS)


def test_fields_of_a_molecule_are_as_they_are_declared():
    data = from_smiles("CCO")
    shapes = {"x": "[N, 9]", "edge_index": "[E, 2]", "edge_attr": "[E, 3]"}
    assert {name: fields.FIELDS[name].shape for name in shapes} == shapes
    assert set(data.keys()) <= set(fields.FIELDS)
    assert {name: level_of(name) for name in ("spd", "x", "edge_attr", "y")} == {
        "spd": "pair", "x": "atom", "edge_attr": "edge", "y": "graph",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("level", "size", "shape"),
    [
        ("pair", None, "[N * N]"),
        ("pair", 3, "[N * N, 3]"),
        ("atom", 2, "[N, 2]"),
        ("edge", None, "[E]"),
        ("graph", 1, "[1, 1]"),
    ],
)
def test_a_declared_field_is_known(level: str, size: int | None, shape: str):
    made = declare("own", level, size, dtype="int64", unit="eV", sentinel="-1", meaning="mine")
    assert made == Field("own", level, size, "int64", "eV", "-1", "mine")
    assert fields.FIELDS["own"] is made
    assert made.shape == shape
    assert level_of("own") == level


def test_a_field_is_declared_once_in_the_same_words():
    def attach(data: Data) -> Data:
        return data

    first = declare("own", "pair", 2)
    assert declare("own", "pair", 2) == first
    full = declare("own", "pair", 2, meaning="said now", transform=attach)
    assert full == first._replace(meaning="said now", transform=attach)
    assert declare("own", "pair", 2) == full  # which says less, and takes nothing away
    assert fields.FIELDS["own"] == full
    for changed in ({"level": "atom", "size": 2}, {"level": "pair", "size": 3}, {"level": "pair"},
                    {"level": "pair", "size": 2, "dtype": "int64"}, {"level": "pair", "size": 2, "unit": "eV"},
                    {"level": "pair", "size": 2, "sentinel": "0"}):  # fmt: skip
        with pytest.raises(ValueError, match="field 'own' is declared already"):
            declare("own", **changed)
    with pytest.raises(ValueError, match="field 'pos' is declared already"):
        declare("pos", "graph")


@pytest.mark.parametrize(
    "name", ["my_index", "batch_size", "ptr", "surface", "edge_length", "two words", "3d", "", "a.b"]
)
def test_names_that_pyg_gives_a_meaning_are_refused(name: str):
    with pytest.raises(ValueError, match=r"cannot be called .*'index', 'batch', 'ptr', 'face', 'edge'"):
        declare(name, "pair")
    assert name not in fields.FIELDS


def test_a_field_of_edges_may_say_so():
    declare("edge_length", "edge")
    with pytest.raises(ValueError, match="cannot be called"):
        declare("edge_index_of_mine", "edge")


@pytest.mark.parametrize("level", ["molecule", "Pair", "", None, 3], ids=str)
def test_a_level_that_there_is_not_is_refused(level: str):
    with pytest.raises(ValueError, match=r"`level` must be one of \('pair', 'atom', 'edge', 'graph'\)"):
        declare("own", level)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3"], ids=str)
def test_a_size_is_a_positive_integer(size: int):
    with pytest.raises(ValueError, match="`size` must be a positive integer or None"):
        declare("own", "pair", size)


def test_the_level_of_an_unknown_field_is_asked_for():
    assert level_of("own", "atom") == "atom"
    with pytest.raises(ValueError, match=r"field 'own' is not known: say .*declare\('own', level=\.\.\.\)"):
        level_of("own")


def test_declared_fields_travel_through_a_batch_row_by_row():
    r"""PyG puts the rows of fields of these names below each other, and adds nothing to them."""
    sizes = (3, 1, 2)
    graphs = []
    for number, size in enumerate(sizes):
        rows = {"made_pair": size * size, "made_atom": size, "made_graph": 1}
        values = {name: torch.full((count, 2), number) for name, count in rows.items()}
        graphs.append(Data(x=torch.zeros(size, 1), **values))
    for level in ("pair", "atom", "graph"):
        declare(f"made_{level}", level, 2, dtype="int64")
    batch = Batch.from_data_list(graphs)
    for name, rows in {"made_pair": [9, 1, 4], "made_atom": [3, 1, 2], "made_graph": [1, 1, 1]}.items():
        expected = torch.arange(3).repeat_interleave(torch.tensor(rows))
        assert torch.equal(batch[name], expected[:, None].expand(-1, 2))


def test_transforms_are_those_of_the_fields_that_are_missing():
    def one(data: Data) -> Data:
        return data

    def other(data: Data) -> Data:
        return data

    declare("a", "atom", transform=one)
    declare("b", "graph", transform=other)
    declare("c", "graph", transform=one)
    declare("d", "graph")
    assert transforms_for({"a", "b", "c", "d", "unknown", "spd"}, present={}) == [one, other]
    assert transforms_for({"a", "b", "c"}, present={"a": 1}) == [other, one]
    assert transforms_for({"a", "d"}, present={"a": 1}) == []


def test_golden_molecules_lie_within_the_vocabulary():
    cases = golden_data.relation_cases()
    assert len(cases) == 108 + 11
    for case in cases:
        assert (case.graph.x >= 0).all()
        assert (case.graph.x < torch.tensor(fields.ATOM_FEATURE_SIZES)).all()
