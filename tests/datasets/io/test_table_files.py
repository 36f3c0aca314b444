import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from rdkit import Chem

from pyg_moleblend.datasets.io.reading import read_molecules
from pyg_moleblend.datasets.io.table_columns import check_column, id_column, number_column
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


TABLE = b"smiles,y\nCCO,1\nCCN,2\n"
LINES = b"CCO\nCCN\n"


def packed(content: bytes, how: str) -> bytes:
    if how == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("inside", content)
        return file.getvalue()
    if how == "zst":
        return bytes(pa.compress(content, codec="zstd", asbytes=True))
    return {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "": bytes}[how](content)


@pytest.mark.parametrize("how", ["", "gz", "bz2", "xz", "zst", "zip"])
@pytest.mark.parametrize("kind", ["csv", "SDF", "smi", "txt", "mol"])
def test_compressed_files_are_read_whatever_they_are_called(tmp_path: Path, kind: str, how: str) -> None:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    content = {"csv": TABLE, "smi": LINES, "txt": LINES}.get(kind, f"{block}$$$$\n{block}".encode())
    for name in (f"t.{kind}.{how}".rstrip("."), f"t.{kind}", f"t.{kind}.GZ"):
        (tmp_path / name).write_bytes(packed(content, how))
        _, entries = read_table(tmp_path / name)
        assert len(read_molecules(entries).rows) == 2


def test_content_wins_over_the_name(tmp_path: Path) -> None:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    FRAME.to_parquet(tmp_path / "parquet.csv")
    (tmp_path / "sdf.csv").write_text(f"{block}$$$$\n")
    (tmp_path / "sdf").write_text(f"{block}$$$$\n")
    (tmp_path / "table.txt").write_text("name\tSmiles\na\tCCO\n")
    for name, columns in (("parquet.csv", ["id", "SMILES", "y"]), ("sdf.csv", ["_Name"]), ("sdf", ["_Name"])):
        assert list(read_table(tmp_path / name)[0].columns) == columns
    assert read_table(tmp_path / "table.txt")[1] == ["CCO"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines(tmp_path: Path, encoding: str, newline: str) -> None:
    (tmp_path / "t.csv").write_bytes(newline.join(["näme,smiles", "ü,CCO", "", "x,CCN"]).encode(encoding))
    frame, entries = read_table(tmp_path / "t.csv")
    assert (list(frame.columns), frame["näme"].tolist(), entries) == (["näme", "smiles"], ["ü", "x"], ["CCO", "CCN"])


def test_latin_1_is_kept_as_escapes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("smiles,n\xe4me\nCCO,\xfc\n".encode("latin-1"))
    assert read_table(tmp_path / "t.csv")[0].iloc[0].to_dict() == {"smiles": "CCO", "n\\xe4me": "\\xfc"}


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_the_head_says_what_separates_cells(tmp_path: Path, name: str, separator: str) -> None:
    (tmp_path / name).write_text(TABLE.decode().replace(",", separator))
    assert read_table(tmp_path / name)[0]["y"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('smiles\tname\nC\ta\nCC\t"b\nCCC\tc\nCO\td"\nN\te\n', 3),
        ('smiles\tname\nC\t"a\nCC\tb\n', 2),
        ('smiles\tname\nC\ta\n\n"CC\tb\nN\t"c"\n', 4),
        ('smiles\t"name\nC\ta\nCC\tb"\n', 1),
    ],
)
def test_a_quote_that_would_swallow_lines_is_refused(tmp_path: Path, text: str, line: int) -> None:
    for name, separator in (("t.tsv", "\t"), ("t.csv", ",")):
        (tmp_path / name).write_text(text.replace("\t", separator))
        with pytest.raises(ValueError, match=rf"{name}: a quote .* in line {line} is not closed"):
            read_table(tmp_path / name)


def test_a_row_of_empty_cells_is_one(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("smiles\tname\nC\ta\n\t\n\n  \nN\t5'\"\n")
    frame, entries = read_table(tmp_path / "t.tsv")
    assert (entries, frame["name"].tolist()) == (["C", "", "N"], ["a", "", "5'\""])


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zst", "t.zip", "t.parquet", "t.feather"])
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    FRAME.to_parquet(tmp_path / "whole.parquet")
    FRAME.to_feather(tmp_path / "whole.feather")
    text = ("smiles\n" + "".join(f"{'C' * (i % 97 + 1)}N\n" for i in range(5_000))).encode()
    how = name.rsplit(".", 1)[1]
    other = how in ("parquet", "feather")
    whole = (tmp_path / f"whole.{how}").read_bytes() if other else packed(text, how)
    for content in (whole[: len(whole) // 2], whole[:8] + bytes(range(255, 100, -1)) + whole[-5:]):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} (is damaged|is no text|cannot)"):
            read_table(tmp_path / name)


def test_an_index_and_integers_with_gaps_stay_what_they_are(tmp_path: Path) -> None:
    frame = pd.DataFrame({"smiles": ["C", None, "N"], "id": pd.array([2**60 + 1, None, 7], "Int64")})
    frame.set_index("smiles").to_parquet(tmp_path / "t.parquet")
    frame.to_feather(tmp_path / "t.feather")
    for name in ("t.parquet", "t.feather"):
        found, entries = read_table(tmp_path / name)
        assert id_column(found, "id") == [str(2**60 + 1), "", "7"]
        assert read_molecules(entries).rows.tolist() == [0, 2]


def test_archives_and_folders_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("a.csv", TABLE)
        archive.writestr("b.csv", TABLE)
    with pytest.raises(ValueError, match="holds 2 files, expected one"):
        read_table(tmp_path / "t.csv.zip")
    with pytest.raises(ValueError, match="is a folder"):
        read_table(tmp_path)


def test_records_of_a_mol2_file_need_their_hydrogens(tmp_path: Path) -> None:
    water = "@<TRIPOS>MOLECULE\nwater\n 3 2\nSMALL\nNO_CHARGES\n@<TRIPOS>ATOM\n1 O 0 0 0 O.3\n2 H 1 0 0 H\n"
    water += "3 H 0 1 0 H\n@<TRIPOS>BOND\n1 1 2 1\n2 1 3 1\n"
    bare = "@<TRIPOS>MOLECULE\nbare\n 2 1\nSMALL\nNO_CHARGES\n@<TRIPOS>ATOM\n1 C 0 0 0 C.3\n2 C 1 0 0 C.3\n"
    (tmp_path / "t.mol2").write_text(f"# comment\n{water}{bare}@<TRIPOS>BOND\n1 1 2 1\n{water}")
    frame, entries = read_table(tmp_path / "t.mol2")
    reading = read_molecules(entries)
    assert (frame["_Name"].tolist(), reading.smiles) == (["water", "bare", "water"], ["O", "O"])
    assert "lack hydrogens" in reading.failures[0].reason


def test_two_molecules_in_one_record_are_a_failure(tmp_path: Path) -> None:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    (tmp_path / "t.sdf").write_text(f"{block}{block}$$$$\n{block}$$$$\n")
    reading = read_molecules(read_table(tmp_path / "t.sdf")[1])
    assert (reading.rows.tolist(), reading.failures[0].reason) == ([1], "it holds 2 molecules")
