from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from quantum_rows import SMILES, drawn_labels, drawn_rows

from pyg_moleblend.chem.quantum import CHARGES, PROPERTIES
from pyg_moleblend.datasets.quantum import read_quantum_labels, worst_errors, write_compact
from pyg_moleblend.datasets.quantum.compact import UNITS
from pyg_moleblend.datasets.quantum.part import Labelled, part_path, write_part


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    r"""Two parts, a failure in each, and a molecule without an occupied orbital."""
    folder = tmp_path / "parts"
    proton = drawn_labels("[H+]")
    proton.properties[3] = np.nan
    write_part(part_path(folder, 0), 0, drawn_rows(), {})
    write_part(part_path(folder, 1), 6, [Labelled("[H+]", proton, ""), *drawn_rows()[3:]], {})
    return folder


def test_errors_are_half_a_unit_at_most(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    assert write_compact(folder, path) == path.stat().st_size
    exact, stored = read_quantum_labels(folder), read_quantum_labels(path)
    assert stored.smiles == exact.smiles == [*SMILES, "[H+]", *SMILES[3:]]
    for name in ("properties", "num_atoms", "charges", "num_bonds", "bond_orders"):
        assert getattr(stored, name).dtype == getattr(exact, name).dtype
        assert getattr(stored, name).shape == getattr(exact, name).shape
    np.testing.assert_array_equal(np.isnan(stored.properties), np.isnan(exact.properties))
    assert np.isnan(stored.properties).sum() == 1
    for k, name in enumerate(PROPERTIES):
        assert np.nanmax(abs(stored.properties[:, k] - exact.properties[:, k])) <= UNITS[name] / 2 + 1e-5
    for k, name in enumerate(CHARGES):
        assert abs(stored.charges[:, k] - exact.charges[:, k]).max() <= UNITS[name] / 2 + 1e-6
    assert abs(stored.bond_orders - exact.bond_orders).max() <= UNITS["bond_order"] / 2 + 1e-6

    worst = worst_errors(folder, path)
    assert worst.keys() == UNITS.keys()
    for name, error in worst.items():
        assert 0 < error <= UNITS[name] / 2 + 1e-5


def test_the_file_says_what_it_holds(folder: Path, tmp_path: Path) -> None:
    write_compact(folder, tmp_path / "labels.parquet")
    write_compact(folder, tmp_path / "again.parquet")
    assert (tmp_path / "labels.parquet").read_bytes() == (tmp_path / "again.parquet").read_bytes()
    frame = pd.read_parquet(tmp_path / "labels.parquet")
    assert list(frame.columns) == ["smiles", *PROPERTIES, *CHARGES, "bond_order"]
    assert frame["charge"][0][2] == round(drawn_labels(SMILES[0]).charges[2, 0] / UNITS["charge"])


def test_worst_errors_sees_another_table_and_another_value(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    write_compact(folder, path)
    rows = drawn_rows()
    assert rows[0].labels is not None
    rows[0].labels.charges[0, 1] += 0.1
    write_part(part_path(folder, 0), 0, rows, {})
    assert worst_errors(folder, path)["hydrogen_charge"] == pytest.approx(0.1, abs=2e-3)
    part_path(folder, 1).unlink()
    with pytest.raises(ValueError, match="differ in smiles"):
        worst_errors(folder, path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"smiles": ["C"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="holds no quantum labels"):
        read_quantum_labels(tmp_path / "other.parquet")
    with pytest.raises(FileNotFoundError):
        read_quantum_labels(tmp_path / "none.parquet")
