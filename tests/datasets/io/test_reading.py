import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.chem import Conformers, MoleculeError, from_mol, from_smiles, generate_conformers, parse_smiles
from pyg_moleblend.datasets.io import reading as module
from pyg_moleblend.datasets.io.reading import Failure, Reading, concatenate, read_chunk, read_molecules

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


def broken() -> Chem.Mol:
    mol = Chem.MolFromSmiles("CO |(0,0,0;1.43,0,0.1)|")
    mol.GetConformer().SetAtomPosition(1, (float("nan"), 0.0, 0.0))
    return mol


def test_a_molecule_without_features_does_not_take_its_chunk_with_it() -> None:
    reading = read_chunk(["C", "C1CC", unsanitized(), "N", broken()])
    assert reading.rows.tolist() == [0, 3]
    assert reading.smiles == ["C", "N"]
    assert [failure.row for failure in reading.failures] == [1, 2, 4]
    assert reading.failures[1].input == "molecule with 3 atoms"
    assert "not sanitized" in reading.failures[1].reason
    assert "not finite" in reading.failures[2].reason


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
    for found, wanted in zip(reading.graphs[:6], expected.graphs[:6], strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_iterators_are_read_in_order() -> None:
    reading = read_molecules((smiles for smiles in ("C", "X", "N")), total=3)
    assert reading.rows.tolist() == [0, 2]


WITH_3D = "CO |(0,0,0;1.43,0,0.1)|"
IMPOSSIBLE = "F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F"  # no tetrahedron of carbons has these handednesses
MIXED = ["CCO", "C1CC", WITH_3D, IMPOSSIBLE, "[Na+].[Cl-]", unsanitized(), "CCB(O)O"]


def same(one: Reading, other: Reading) -> None:
    for found, wanted in zip(one.graphs[:6], other.graphs[:6], strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(one.rows, other.rows)
    np.testing.assert_array_equal(one.conformers, other.conformers)
    assert (one.smiles, one.failures) == (other.smiles, other.failures)
    assert one.conformer_errors == other.conformer_errors


@pytest.mark.parametrize("count", [1, 3])
def test_conformers_where_there_are_no_coordinates(count: int) -> None:
    settings = Conformers(seed=3, count=count, optimize=True)
    reading = read_molecules(MIXED, conformers=settings)
    assert reading.rows.tolist() == [0, 2, 3, 4, 6]
    assert [failure.row for failure in reading.failures] == [1, 5]
    assert sorted(reading.conformer_errors) == [3, 6]
    assert "no conformer was found" in reading.conformer_errors[3]
    assert "MMFF94 has no parameters" in reading.conformer_errors[6]
    ends = np.cumsum(reading.graphs.num_atoms)[:-1]
    pos = np.split(reading.graphs.pos, ends)
    np.testing.assert_array_equal(pos[1], np.float32([[0, 0, 0], [1.43, 0, 0.1]]))
    assert [np.isfinite(at).all() for at in pos] == [True, True, False, True, True]
    if count == 1:
        assert reading.conformers is None
    else:
        assert reading.conformers is not None
        several = np.split(reading.conformers, ends)
        np.testing.assert_array_equal(reading.conformers[:, 0], reading.graphs.pos)
        wanted = generate_conformers(parse_smiles("CCO"), settings).positions
        np.testing.assert_array_equal(several[0], wanted.swapaxes(0, 1))
        assert np.isnan(several[1][:, 1:]).all()


def test_workers_read_the_same_as_this_process() -> None:
    entries = [*MIXED, *ENTRIES, broken(), MoleculeError("record 2", "it is cut off", "write it again")] * 2
    settings = Conformers(seed=3, count=2, deadline=20)
    same(read_molecules(entries, conformers=settings, num_workers=2), read_molecules(entries, conformers=settings))


def test_what_has_ended_workers_is_tried_with_less_and_then_a_failure() -> None:
    settings = Conformers(deadline=5)
    reading = read_chunk(["CCO"] * 4 + [WITH_3D], conformers=settings, kills=[0, 1, 2, 3, 2])
    assert reading.rows.tolist() == [0, 1, 2, 4]
    assert reading.failures == [Failure(3, "CCO", module.TOO_LONG)]
    assert [row in reading.conformer_errors for row in range(5)] == [False, True, True, False, False]
    pos = np.split(reading.graphs.pos, np.cumsum(reading.graphs.num_atoms)[:-1])
    assert [np.isfinite(at).all() for at in pos] == [True, True, False, True]
    assert read_chunk(["CCO", "C"], kills=[1, 0]).failures == [Failure(0, "CCO", module.TOO_LONG)]


def test_a_molecule_without_a_conformer_in_time_stays_2d() -> None:
    cage = "C" * 2000  # RDKit takes minutes
    reading = read_molecules(["CCO", cage, "CCN"], conformers=Conformers(deadline=1), num_workers=1)
    assert (reading.rows.tolist(), reading.failures, list(reading.conformer_errors)) == ([0, 1, 2], [], [1])
    assert "ended by the deadline of 1 s" in reading.conformer_errors[1]
    assert np.isnan(reading.graphs.pos).any(1).sum() == 2000


def test_drop_and_concatenate_keep_conformers_with_their_molecules() -> None:
    reading = read_molecules(MIXED, conformers=Conformers(count=2))
    parts = [
        read_molecules([entry], conformers=Conformers(count=2)).renumber(np.array([i])) for i, entry in enumerate(MIXED)
    ]
    same(concatenate(parts), reading)
    bad = np.array([True, False, True, False, False])
    dropped = reading.drop(bad, "number {}".format)
    assert dropped.conformer_errors == {row: c for row, c in reading.conformer_errors.items() if row != 3}
    same(dropped._replace(failures=[]), concatenate([parts[2], parts[4], parts[6]])._replace(failures=[]))
    with pytest.raises(ValueError, match="same number of conformers"):
        concatenate([reading, read_molecules(["C"])])
