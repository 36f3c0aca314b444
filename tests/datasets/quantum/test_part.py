from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from quantum_rows import SMILES, drawn_rows
from rdkit import Chem

from pyg_moleblend.datasets.quantum.part import (
    Labelled,
    part_path,
    part_paths,
    read_column,
    read_key,
    read_part,
    write_part,
)


def test_labels_come_back_and_failures_keep_their_rows(tmp_path: Path) -> None:
    path, rows = part_path(tmp_path, 3), drawn_rows()
    write_part(path, 30, rows, {"seed": 1})
    assert path.name == "part-000003.parquet"
    assert part_paths(tmp_path) == [path]
    assert read_key(path) == {"seed": 1}
    assert read_column(path, "row") == [30, 31, 32, 33, 34, 35]
    assert read_column(path, "smiles") == [*SMILES[:-1], "C(", SMILES[-1]]
    assert read_column(path, "error") == ["", "", "", "", "syntax error", ""]

    stored = read_part(path)
    assert stored.smiles == SMILES
    atom = bond = 0
    for number, row in enumerate(row for row in rows if row.labels is not None):
        assert row.labels is not None
        np.testing.assert_allclose(stored.properties[number], row.labels.properties, rtol=1e-6)
        mol = Chem.MolFromSmiles(row.smiles)
        assert stored.num_atoms[number] == mol.GetNumAtoms()
        assert stored.num_bonds[number] == mol.GetNumBonds()
        for charges in row.labels.charges:
            np.testing.assert_allclose(stored.charges[atom], charges, rtol=1e-6)
            atom += 1
        for pair in mol.GetBonds():
            order = row.labels.bond_orders[pair.GetBeginAtomIdx(), pair.GetEndAtomIdx()]
            assert stored.bond_orders[bond] == pytest.approx(order, rel=1e-6)
            bond += 1
    assert (atom, bond) == (len(stored.charges), len(stored.bond_orders))


def test_any_reader_of_parquet_can_read_it(tmp_path: Path) -> None:
    path, rows = tmp_path / "part.parquet", drawn_rows()
    write_part(path, 0, rows, {})
    frame = pd.read_parquet(path)
    assert rows[0].labels is not None
    assert frame["dipole"][0] == rows[0].labels.properties[6]
    size = len(rows[0].labels.charges)
    upper = [rows[0].labels.bond_orders[i, j] for i in range(size) for j in range(i + 1, size)]
    np.testing.assert_allclose(frame["bond_orders"][0], upper, rtol=1e-6)
    assert frame["charges"][4] is None


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_part(tmp_path / name, 0, drawn_rows(), {"seed": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_part_of_failures_alone(tmp_path: Path) -> None:
    write_part(tmp_path / "a", 0, [Labelled("", None, "the value is missing")], {})
    stored = read_part(tmp_path / "a")
    assert stored.smiles == []
    assert [array.shape for array in stored[1:]] == [(0, 8), (0,), (0, 2), (0,), (0,)]


def test_a_folder_without_parts_says_how_they_are_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="moleblend quantum"):
        part_paths(tmp_path)
