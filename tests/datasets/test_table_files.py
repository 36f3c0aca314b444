from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError
from pyg_moleblend.datasets.table_files import number_column, read_table

FRAME = pd.DataFrame({"id": ["007", "b,c", "x"], "SMILES": ["CCO", None, "c1ccccc1"], "y": [1.5, None, -2e-3]})


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "My.Table.CSV", "t.parquet"])
def test_files_of_one_table_are_one_table(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        FRAME.to_parquet(tmp_path / name)
    else:
        FRAME.to_csv(tmp_path / name, sep="\t" if "tsv" in name else ",", index=False)
    frame, entries = read_table(tmp_path / name)
    assert frame["id"].tolist() == ["007", "b,c", "x"]
    assert [entry if isinstance(entry, str) else None for entry in entries] == ["CCO", None, "c1ccccc1"]
    np.testing.assert_array_equal(number_column(frame, "y"), np.array([1.5, np.nan, -2e-3], np.float32))


def test_a_data_frame_is_read_by_position_and_left_alone() -> None:
    given = FRAME.set_index(pd.Index([5, 5, 9]))
    before = given.copy()
    frame, entries = read_table(given)
    assert frame.index.tolist() == [0, 1, 2]
    assert entries[2] == "c1ccccc1"
    pd.testing.assert_frame_equal(given, before)


def test_an_sd_file_gives_molecules_errors_and_properties(tmp_path: Path) -> None:
    path = tmp_path / "t.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for smiles, value in (("CCO", 1.5), ("C", -1.0)):
            mol = Chem.MolFromSmiles(smiles)
            mol.SetProp("_Name", f"name of {smiles}")
            mol.SetDoubleProp("y", value)
            writer.write(mol)
    records = path.read_text().split("$$$$\n")
    path.write_text("$$$$\n".join([records[0], "broken\n\n\nno counts line\nM  END\n", records[1]]) + "$$$$\n")
    frame, entries = read_table(path)
    assert [type(entry) is MoleculeError for entry in entries] == [False, True, False]
    assert frame["_Name"].fillna("").tolist() == ["name of CCO", "", "name of C"]
    np.testing.assert_array_equal(number_column(frame, "y"), np.array([1.5, np.nan, -1.0], np.float32))
    with pytest.raises(ValueError, match="leave smiles='x' out"):
        read_table(path, smiles="x")


@pytest.mark.parametrize(
    ("columns", "smiles", "message"),
    [
        (["a", "b"], None, r"say which column.*\['a', 'b'\]"),
        (["smiles", "SMILES"], None, r"say which column"),
        (["a", "b"], "c", r"no column 'c'; its columns are \['a', 'b'\]"),
        (["a", "a"], "a", r"2 columns 'a'"),
    ],
)
def test_an_unclear_column_is_refused(columns: list[str], smiles: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_table(pd.DataFrame([["C", "C"]], columns=columns), smiles)


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.gz"])
def test_an_unknown_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"must be a \.csv, \.tsv, \.parquet or \.sdf file"):
        read_table(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("no.csv", "no.sdf", "no.parquet"):
        with pytest.raises(FileNotFoundError, match=name):
            read_table(tmp_path / name)


@pytest.mark.parametrize("values", [[1, 0, 1], [True, False, True], ["1", " 0 ", "1e0"], [1.0, 0, "1.0"]])
def test_numbers_may_be_written_in_any_way(values: list[Any]) -> None:
    assert number_column(pd.DataFrame({"y": values}), "y").tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("missing", [None, np.nan, "", "  ", pd.NA])
def test_missing_labels(missing: object) -> None:
    column = number_column(pd.DataFrame({"y": pd.Series([1.0, missing], dtype=object)}), "y")
    assert column.dtype == np.float32
    assert np.isnan(column).tolist() == [False, True]


@pytest.mark.parametrize("bad", ["active", "1,5", np.inf, "-inf", 1e39, ">10"])
def test_what_is_no_number_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"column 'y' must hold finite numbers.*row 1 holds"):
        number_column(pd.DataFrame({"y": pd.Series([1.0, bad], dtype=object)}), "y")
