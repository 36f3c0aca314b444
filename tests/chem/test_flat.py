from collections.abc import Iterator

import numpy as np
import pytest
from rdkit import Chem

from pyg_moleblend.chem import FlatGraphs, featurize, from_smiles, parse_smiles
from pyg_moleblend.fields import FIELDS, declare

SMILES = ["CCO", "C", "c1ccccc1O", "[Na+].[Cl-]", "N"]


@pytest.fixture(autouse=True)
def _declared() -> Iterator[None]:
    before = dict(FIELDS)
    for name, level in (("flat_pair", "pair"), ("flat_atom", "atom"), ("flat_bond", "edge"), ("flat_graph", "graph")):
        declare(name, level)  # type: ignore[arg-type]
    yield
    FIELDS.clear()
    FIELDS.update(before)


def graphs_of(smiles: list[str]) -> FlatGraphs:
    r"""Graphs whose own fields say which molecule and which row of it a row is of."""
    parts = []
    for text in smiles:
        graphs = featurize([parse_smiles(text)])
        m, n, e = SMILES.index(text), int(graphs.num_atoms[0]), int(graphs.num_edges[0])
        rows = {"flat_pair": n * n, "flat_atom": n, "flat_bond": e, "flat_graph": 1}
        fields = {name: np.stack([np.full(size, m), np.arange(size)], 1) for name, size in rows.items()}
        parts.append(graphs._replace(fields={**fields, "smiles": [text]}))
    return FlatGraphs.concatenate(parts)


def test_each_molecule_has_its_own() -> None:
    graphs = graphs_of(SMILES)
    atom = 0
    for m, (graph, text) in enumerate(zip(graphs.each(), SMILES, strict=True)):
        mol, alone = Chem.MolFromSmiles(text), from_smiles(text)
        n, bonds = mol.GetNumAtoms(), mol.GetNumBonds()
        assert graph.atoms == slice(atom, atom := atom + n)
        for name in ("x", "edge_index", "edge_attr", "pos"):
            np.testing.assert_array_equal(graph.arrays[name], alone[name])
        assert graph.fields["smiles"] == text
        for name, size in (("flat_pair", n * n), ("flat_atom", n), ("flat_bond", 2 * bonds), ("flat_graph", 1)):
            assert graph.fields[name].tolist() == [[m, row] for row in range(size)]


def test_ends_are_where_the_next_molecule_begins() -> None:
    graphs = featurize([parse_smiles(text) for text in SMILES])
    sizes = [Chem.MolFromSmiles(text).GetNumAtoms() for text in SMILES]
    assert graphs.num_molecules == 5
    assert graphs.ends("atom").tolist() == [sum(sizes[:m]) for m in range(6)]
    assert graphs.ends("pair").tolist() == [sum(n * n for n in sizes[:m]) for m in range(6)]
    assert graphs.ends("graph").tolist() == list(range(6))
    assert graphs.ends("edge")[-1] == graphs.edge_index.shape[1]


def test_a_selection_is_what_was_made_of_the_selected() -> None:
    chosen = np.array([True, False, True, True, False])
    found = graphs_of(SMILES).select(chosen)
    expected = graphs_of([text for text, kept in zip(SMILES, chosen, strict=True) if kept])
    assert found.arrays.keys() == expected.arrays.keys()
    for name, values in found.arrays.items():
        np.testing.assert_array_equal(values, expected.arrays[name])
    assert found.num_atoms.tolist() == expected.num_atoms.tolist()
    assert found.num_edges.tolist() == expected.num_edges.tolist()
    assert graphs_of(SMILES).select(np.zeros(5, dtype=bool)).num_molecules == 0


def test_nothing_together_is_no_molecule() -> None:
    empty, nobody = FlatGraphs.concatenate([]), featurize([])
    for name in ("x", "edge_index", "edge_attr", "pos", "num_atoms", "num_edges"):
        assert getattr(empty, name).shape == getattr(nobody, name).shape
        assert getattr(empty, name).dtype == getattr(nobody, name).dtype
    # Where there is no molecule there can be no field, and that is no contradiction.
    assert FlatGraphs.concatenate([nobody, graphs_of(["C"]), nobody]).arrays.keys() == graphs_of(["C"]).arrays.keys()


def test_tensors_of_one_level_share_their_ends() -> None:
    values, ends = graphs_of(SMILES).tensors()
    assert values["x"].shape == (14, 9)
    assert ends["x"] is ends["pos"] is ends["flat_atom"]
    assert ends["edge_index"] is ends["flat_bond"]
    assert ends["flat_pair"].diff().tolist() == [9, 1, 49, 4, 1]


def test_other_fields_are_not_put_together() -> None:
    plain, own = featurize([parse_smiles("C")]), graphs_of(["CCO"])
    with pytest.raises(ValueError, match="expected the same fields"):
        FlatGraphs.concatenate([plain, own])


def test_rows_must_be_those_of_the_level() -> None:
    graphs = featurize([parse_smiles(text) for text in SMILES])
    wrong = graphs._replace(fields={"flat_pair": np.zeros(12)})
    with pytest.raises(ValueError, match=r"pair field 'flat_pair' must have 64 rows for these molecules, got 12"):
        list(wrong.each())
    undeclared = graphs._replace(fields={"nobody_knows": np.zeros((12, 2))})
    with pytest.raises(ValueError, match=r"fields\.declare\('nobody_knows', level="):
        undeclared.select(np.ones(5, dtype=bool))
    assert graphs._replace(fields={"nobody_knows": np.zeros((5, 2))}).level("nobody_knows") == "graph"
