from pathlib import Path

import numpy as np
import pytest
from qm9_files import qm9_molecules, write_package, write_raw
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError
from pyg_moleblend.datasets.qm9 import sources as qm9_sources
from pyg_moleblend.datasets.qm9.sources import read_package, read_raw, read_uncharacterized

MOLECULES = qm9_molecules()


def test_package_files_are_read_as_written(tmp_path: Path) -> None:
    files = read_package(write_package(tmp_path, MOLECULES))
    assert files.number.tolist() == [molecule.number for molecule in MOLECULES]
    np.testing.assert_array_equal(files.values, [molecule.values for molecule in MOLECULES])
    rows = np.array([0, 3, 11])
    for record, molecule in zip(files.records(rows), (MOLECULES[row] for row in rows), strict=True):
        assert record.entry == molecule.smiles
        assert record.geometry.z.tolist() == molecule.z
        np.testing.assert_allclose(record.geometry.pos, molecule.pos, atol=1e-6)


def test_raw_files_are_read_without_what_is_uncharacterized(tmp_path: Path) -> None:
    files = read_raw(write_raw(tmp_path, MOLECULES, uncharacterized=[2, 7]))
    kept = [molecule for molecule in MOLECULES if molecule.number not in (2, 7)]
    assert files.number.tolist() == [molecule.number for molecule in kept]
    np.testing.assert_array_equal(files.values, [molecule.values for molecule in kept])
    rows = np.array([0, 1, 6, 9])
    for record, molecule in zip(files.records(rows), (kept[row] for row in rows), strict=True):
        assert Chem.CanonSmiles(Chem.MolToSmiles(Chem.RemoveHs(record.entry))) == Chem.CanonSmiles(molecule.smiles)
        assert record.geometry.z.tolist() == molecule.z
        np.testing.assert_allclose(record.geometry.pos, molecule.pos, atol=1e-4)


def test_raw_molecules_have_no_stereo(tmp_path: Path) -> None:
    files = read_raw(write_raw(tmp_path, MOLECULES))
    chiral = next(row for row, molecule in enumerate(MOLECULES) if molecule.smiles == "CC(O)C#N")
    (record,) = files.records(np.array([chiral]))
    assert isinstance(record.entry, Chem.Mol)
    assert Chem.MolToSmiles(Chem.RemoveHs(record.entry)) == Chem.CanonSmiles("CC(O)C#N")


def test_a_record_under_another_title_is_an_error_in_its_place(tmp_path: Path) -> None:
    files = read_raw(write_raw(tmp_path, MOLECULES))
    sdf = tmp_path / "gdb9.sdf"
    sdf.write_text(sdf.read_text().replace("gdb_3\n", "gdb_33\n"))
    entries = [record.entry for record in files.records(np.arange(12))]
    assert [type(entry) is MoleculeError for entry in entries] == [row == 2 for row in range(12)]
    assert entries[2].reason == "its title in the SD file is 'gdb_33'"


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    files = read_raw(write_raw(tmp_path, MOLECULES))
    sdf = tmp_path / "gdb9.sdf"
    sdf.write_text("$$$$\n".join(sdf.read_text().split("$$$$\n")[:5]) + "$$$$\n")
    with pytest.raises(ValueError, match=r"gdb9\.sdf has 5 records, .*gdb9\.sdf\.csv 12 rows"):
        list(files.records(np.arange(12)))


def test_uncharacterized_is_counted(tmp_path: Path) -> None:
    path = write_raw(tmp_path, MOLECULES, uncharacterized=[2, 7, 130000]) / "uncharacterized.txt"
    assert read_uncharacterized(path).tolist() == [2, 7, 130000]
    path.write_text(path.read_text().replace("3 compounds", "4 compounds"))
    with pytest.raises(ValueError, match="holds 3 molecules but says 4"):
        read_uncharacterized(path)


def test_package_is_found_only_if_all_of_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(qm9_sources, "installed_file", lambda package, path: None if "part2" in path else tmp_path)
    assert qm9_sources.package_files() is None
    monkeypatch.setattr(qm9_sources, "installed_file", lambda package, path: tmp_path / path)
    assert qm9_sources.package_files() == [tmp_path / name for name in qm9_sources.PACKAGE_FILES]
