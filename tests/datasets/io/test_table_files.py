import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from pyg_moleblend.datasets.io.reading import read_molecules
from pyg_moleblend.datasets.io.table_columns import check_column, number_column
from pyg_moleblend.datasets.io.table_files import read_table, text_frames

FRAME = pd.DataFrame({"id": ["007", "b,c", "x"], "SMILES": ["CCO", None, "c1ccccc1"], "y": [1.5, None, -2e-3]})


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "My.Table.CSV", "t.parquet"])
def test_files_of_one_table_are_one_table(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        FRAME.to_parquet(tmp_path / name)
    else:
        FRAME.to_csv(tmp_path / name, sep="\t" if "tsv" in name else ",", index=False)
    frame, entries = read_table(tmp_path / name)
    assert frame["id"].tolist() == ["007", "b,c", "x"]
    assert [entry if isinstance(entry, str) else "" for entry in entries] == ["CCO", "", "c1ccccc1"]
    np.testing.assert_array_equal(number_column(frame, "y"), np.array([1.5, np.nan, -2e-3]))


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
            mol.SetProp("code", "007")
            writer.write(mol)
    records = path.read_text().split("$$$$\n")
    path.write_text("$$$$\n".join([records[0], "broken\n\n\nno counts line\nM  END\n", records[1]]) + "$$$$\n")
    frame, entries = read_table(path)
    failures = read_molecules(entries).failures
    assert [(failure.row, failure.input) for failure in failures] == [(1, "record 1 of t.sdf")]
    assert frame["_Name"].tolist() == ["name of CCO", "broken", "name of C"]
    assert frame["code"].tolist()[::2] == ["007", "007"]
    np.testing.assert_array_equal(number_column(frame, "y"), np.array([1.5, np.nan, -1.0]))
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
    with pytest.raises(ValueError, match=r"must be a \.csv, \.tsv, \.parquet, .* or \.txt file"):
        read_table(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("no.csv", "no.sdf", "no.parquet"):
        with pytest.raises(FileNotFoundError, match=name):
            read_table(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "smiles,y\nCCO,1,\nCCN,2,\n",  # pandas alone: the SMILES become the index, the labels the SMILES
        "smiles,y\nCCO,1,7\nCCN,2\n",
        "smiles,y\nCCO,1\nCCN,1,5\n",
        "smiles,y,z\nCCO,1,2,5,2\n",
    ],
)
def test_a_line_with_more_cells_than_the_head_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=r"t\.csv has lines with more cells than the \d names in its head"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("row", [1, 98, 99, 100, 101, 199, 200, 250])
def test_such_a_line_is_found_wherever_a_portion_begins(tmp_path: Path, row: int) -> None:
    lines = [f"CCO,{i}" for i in range(300)]
    lines[row] += ",5"
    (tmp_path / "t.csv").write_text("smiles,y\n" + "\n".join(lines) + "\n")
    with pytest.raises(ValueError, match="more cells"):
        list(text_frames(tmp_path / "t.csv", ".csv", 100))


def test_cells_are_text_as_written_and_names_that_come_twice_are_seen(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,smiles,y,y\nNA,CCO,1,2\nnull,NA,NA,3\n007,,4\n")
    frame, entries = read_table(tmp_path / "t.csv")
    assert frame["id"].tolist() == ["NA", "null", "007"]
    assert entries == ["CCO", "NA", ""]
    with pytest.raises(ValueError, match="2 columns 'y'"):
        check_column(list(frame.columns), "y")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").touch()
    with pytest.raises(ValueError, match=r"t\.csv is empty"):
        read_table(tmp_path / "t.csv")


def test_a_table_without_rows_is_one(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("smiles,y\n")
    frame, entries = read_table(tmp_path / "t.csv")
    assert (list(frame.columns), entries) == (["smiles", "y"], [])


@pytest.mark.parametrize("name", ["t.csv.gz", "t.sdf.gz"])
def test_a_file_that_was_cut_off_is_named(tmp_path: Path, name: str) -> None:
    content = gzip.compress(("smiles\n" + "".join(f"C{'C' * (i % 97)}N\n" for i in range(20_000))).encode())
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=rf"{name} is damaged"):
        read_table(tmp_path / name)


def test_an_sd_file_without_a_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.sdf").write_text("\n")
    with pytest.raises(ValueError, match="holds no record"):
        read_table(tmp_path / "t.sdf")
