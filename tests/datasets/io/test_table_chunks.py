import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from pyg_moleblend.datasets.io import table_chunks
from pyg_moleblend.datasets.io.entries import SdfRecord
from pyg_moleblend.datasets.io.table_chunks import TableChunks
from pyg_moleblend.datasets.io.table_columns import number_column
from pyg_moleblend.datasets.io.table_files import read_table

NAMES = ["007", "NA", "b,c", "null", 'say "x"', "é", "  x ", "1e5", "-", "nan"]
FRAME = pd.DataFrame(
    {
        "name": NAMES,
        "SMILES": ["CCO", None, "c1ccccc1", "", "N", "bad", "C C", "[Na+]", "CC |$a;b$|", "O"],
        "y": [1.5, None, -2e-3, 0, 1, 2, 3, 4, 5, 6],
        "other": list("abcdefghij"),
    }
)


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_chunks, "CHUNK_ROWS", 3)


def write(path: Path) -> Path:
    if path.name.endswith("parquet"):
        FRAME.to_parquet(path, row_group_size=4)
    else:
        FRAME.to_csv(path, sep="\t" if "tsv" in path.name else ",", index=False)
    return path


def joined(table: TableChunks) -> tuple[list[Any], np.ndarray, list[str]]:
    rows = list(table)
    entries = [entry for part in rows for entry in part.entries]
    return entries, np.concatenate([part.columns["y"] for part in rows]), [text for part in rows for text in part.ids]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "My.Table.CSV", "t.parquet"])
def test_portions_are_the_whole_table(tmp_path: Path, name: str) -> None:
    table = TableChunks(write(tmp_path / name), targets=["y"], ids="name")
    assert max(len(part.entries) for part in table) == 3
    entries, y, ids = joined(table)
    frame, expected = read_table(tmp_path / name)
    assert [entry if isinstance(entry, str) else None for entry in entries] == [
        entry if isinstance(entry, str) else None for entry in expected
    ]
    np.testing.assert_array_equal(y[:, 0], number_column(frame, "y"))
    assert ids == NAMES
    assert table.num_rows == (10 if "parquet" in name else None)


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (0, 1), (3, 4), (2, 9), (4, 8), (9, 20), (10, 20)])
def test_rows_from_the_middle_of_a_parquet_file(tmp_path: Path, start: int, stop: int) -> None:
    table = TableChunks(write(tmp_path / "t.parquet"), ids="name")
    assert [text for part in table.between(start, stop) for text in part.ids or ()] == NAMES[start:stop]


def test_rows_from_the_middle_of_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"of a \.parquet file only"):
        list(TableChunks(write(tmp_path / "t.csv")).between(0, 1))


@pytest.mark.parametrize("name", ["t.sdf", "t.sdf.gz"])
def test_records_of_an_sd_file_with_their_fields(tmp_path: Path, name: str) -> None:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")).removeprefix("\n")
    records = [f"mol {i}\n{block}> <y>\n{i}.5\n\n> <id> (3)\ntwo\nlines\n\n" for i in range(7)]
    records[2] = "mol 2\nbroken\n> <y>\n\n"
    text = "$$$$\n".join(records) + "$$$$\n"
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    entries, y, ids = joined(TableChunks(tmp_path / name, targets=["y"], ids="id"))
    assert entries[2] == SdfRecord(f"record 2 of {name}", records[2] + "$$$$\n")
    np.testing.assert_array_equal(y[:, 0], [0.5, 1.5, np.nan, 3.5, 4.5, 5.5, 6.5])
    assert ids == ["two\nlines", "two\nlines", "", *["two\nlines"] * 4]
    assert joined(TableChunks(tmp_path / name, targets=["y"], ids="_Name"))[2][3] == "mol 3"


def test_lines_of_smiles(tmp_path: Path) -> None:
    for name, write_to in (("t.smi", open), ("t.txt.gz", gzip.open)):
        with write_to(tmp_path / name, "wt", encoding="utf-8") as file:
            file.write("\ufeffCCO ethanol\n\nC\tmethane gas\nN\n")
        rows = list(TableChunks(tmp_path / name, ids="name"))
        assert [text for part in rows for text in part.entries] == ["CCO ethanol", "", "C\tmethane gas", "N"]
        assert [text for part in rows for text in part.ids or ()] == ["ethanol", "", "methane gas", ""]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"smiles": "no"}, "no column 'no'"),
        ({"targets": ["no"]}, "no column 'no'"),
        ({"ids": "no"}, "no column 'no'"),
    ],
)
def test_a_missing_column_is_named_at_once(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    for name in ("t.csv", "t.parquet"):
        with pytest.raises(ValueError, match=message):
            TableChunks(write(tmp_path / name), **arguments)


def test_a_label_that_is_no_number_is_named_by_its_row_in_the_whole_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("smiles,y\n" + "C,1\n" * 7 + "C,active\n")
    with pytest.raises(ValueError, match="row 7 holds 'active'"):
        list(TableChunks(path, targets=["y"]))


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be a \.csv, \.tsv, .* or \.txt file .a spreadsheet: save it as \.csv"):
        TableChunks(tmp_path / "t.xlsx")
    with pytest.raises(FileNotFoundError, match=r"no file .*t\.smi"):
        TableChunks(tmp_path / "t.smi")
    (tmp_path / "t.smi").write_text("C\n")
    with pytest.raises(ValueError, match="leave smiles='x' out"):
        TableChunks(tmp_path / "t.smi", smiles="x")
