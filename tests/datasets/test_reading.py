import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.chem import MoleculeError, from_mol, from_smiles
from pyg_moleblend.datasets import reading as module
from pyg_moleblend.datasets.reading import Failure, Reading, concatenate, read_chunk, read_molecules

ENTRIES = ["CCO", "C1CC", "c1ccncc1", "", "[Na+].[Cl-]", None, "N", "C(C)(C)(C)(C)C", "O=C=O"]
GOOD = [0, 2, 4, 6, 8]


def atoms_of(reading: Reading) -> list[torch.Tensor]:
    return list(torch.from_numpy(reading.graphs.x).split(reading.graphs.num_atoms.tolist()))


def unsanitized() -> Chem.Mol:
    return Chem.MolFromSmiles("CCO", sanitize=False)


@pytest.mark.parametrize("chunk_size", [1, 2, 4, 100])
def test_good_rows_are_read_and_bad_rows_reported(monkeypatch: pytest.MonkeyPatch, chunk_size: int) -> None:
    monkeypatch.setattr(module, "CHUNK_SIZE", chunk_size)
    reading = read_molecules(ENTRIES)
    assert reading.rows.tolist() == GOOD
    assert reading.smiles == [ENTRIES[row] for row in GOOD]
    for x, smiles in zip(atoms_of(reading), reading.smiles, strict=True):
        assert torch.equal(x, from_smiles(smiles).x)
    assert [(failure.row, failure.input) for failure in reading.failures] == [
        (1, "C1CC"),
        (3, ""),
        (5, ""),
        (7, "C(C)(C)(C)(C)C"),
    ]
    assert "unclosed ring" in reading.failures[0].reason
    assert "valence" in reading.failures[3].reason


def test_molecules_and_errors_are_entries_too() -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles("OCC"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    reading = read_molecules(["C", mol, MoleculeError("record 2", "it is cut off", "write it again")])
    assert reading.smiles == ["C", "OCC"]
    pos = torch.from_numpy(reading.graphs.pos)
    assert torch.equal(pos[1:], from_mol(mol).pos)
    assert pos[0].isnan().all()
    assert reading.failures == [Failure(2, "record 2", "it is cut off")]


def test_a_molecule_without_features_does_not_take_its_chunk_with_it() -> None:
    reading = read_chunk(["C", "C1CC", unsanitized(), "N"])
    assert reading.rows.tolist() == [0, 3]
    assert reading.smiles == ["C", "N"]
    assert [failure.row for failure in reading.failures] == [1, 2]
    assert reading.failures[1].input == "molecule with 3 atoms"
    assert "not sanitized" in reading.failures[1].reason


def test_hydrogens_are_the_callers_choice() -> None:
    assert read_molecules(["C", "[2H]C"], "add").graphs.num_atoms.tolist() == [5, 5]
    assert read_molecules(["C", "[2H]C"], "remove").graphs.num_atoms.tolist() == [1, 2]


def test_nothing_is_a_table_of_no_rows() -> None:
    for empty in (read_molecules([]), concatenate([])):
        assert empty.graphs.x.shape == (0, 9)
        assert (empty.smiles, empty.rows.tolist(), empty.failures) == ([], [], [])
    assert len(read_molecules(["?", "!"]).failures) == 2


def test_drop_turns_molecules_into_failures() -> None:
    reading = read_molecules(ENTRIES).drop(np.array([False, True, False, False, True]), "number {}".format)
    assert reading.rows.tolist() == [0, 4, 6]
    assert [failure.row for failure in reading.failures] == [1, 2, 3, 5, 7, 8]
    assert reading.failures[1] == Failure(2, "c1ccncc1", "number 1")
    expected = read_molecules([ENTRIES[row] for row in (0, 4, 6)])
    for found, wanted in zip(reading.graphs, expected.graphs, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_iterators_are_read_in_order() -> None:
    reading = read_molecules((smiles for smiles in ("C", "X", "N")), total=3)
    assert reading.rows.tolist() == [0, 2]
