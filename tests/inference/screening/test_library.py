import gzip
from pathlib import Path

import pandas as pd
import pytest

from pyg_moleblend.inference.screening.library import Library, Lines, library_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.smi").write_text("CC ethane\nCCC propane\n")
    (tmp_path / "a.csv").write_text("smiles,name\nC,one\nbad,two\n")
    pd.DataFrame({"smiles": ["O", None], "name": ["x", "y"]}).to_parquet(tmp_path / "c.parquet")
    with gzip.open(tmp_path / "d.smi.gz", "wt") as file:
        file.write("N\n")
    (tmp_path / "README").write_text("no table")
    return tmp_path


def test_files_of_any_kind_are_one_library(folder: Path) -> None:
    library = Library(library_files(str(folder)) or [])
    rows = list(library)
    texts = [str(entry).split()[0] for part in rows for entry in part.entries]
    assert texts == ["C", "bad", "CC", "CCC", "O", "nan", "N"]
    assert [text for part in rows for text in part.ids or ()] == ["0", "1", "2", "3", "4", "5", "6"]
    assert [(Path(file.path).name, *file[1:]) for file in library.files] == [
        ("a.csv", 0, 2),
        ("b.smi", 2, 2),
        ("c.parquet", 4, 2),
        ("d.smi.gz", 6, 1),
    ]
    assert library.num_rows is None
    assert Library([folder / "c.parquet"]).num_rows == 2
    assert len(list(library)) == len(rows)  # it can be read again


def test_identifiers_are_those_of_the_column(folder: Path) -> None:
    library = Library([folder / "a.csv", folder / "c.parquet"], ids="name")
    assert [text for part in library for text in part.ids or ()] == ["one", "two", "x", "y"]


def test_patterns_and_what_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library_files(str(folder / "*.smi*")) == [folder / "b.smi", folder / "d.smi.gz"]
    monkeypatch.chdir(folder)
    for smiles in ("CCO", "C*", "[Na+].[Cl-]", "C/C=C/C", "[13CH4]"):
        assert library_files(smiles) is None
    with pytest.raises(FileNotFoundError, match=r"there is no file .*e\.csv"):
        library_files(str(folder / "e.csv"))
    with pytest.raises(FileNotFoundError, match=r"\*\.sdf"):
        library_files(str(folder / "*.sdf"))
    (folder / "again.csv").symlink_to(folder / "a.csv")
    with pytest.raises(ValueError, match=r"a.*\.csv is named twice, by a link say"):
        library_files(str(folder))
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty holds no table"):
        library_files(str(folder / "empty"))


def test_lines_are_taken_as_they_come() -> None:
    rows = next(iter(Lines(text for text in ("C", "", "CC"))))
    assert (rows.entries, rows.ids) == (["C", "", "CC"], ["0", "1", "2"])


def test_another_content_is_another_library(folder: Path) -> None:
    key = Library([folder / "a.csv"]).key()
    assert key == Library([folder / "a.csv"]).key()
    (folder / "a.csv").write_text("smiles,name\nC,one\nCC,two\n")
    assert key != Library([folder / "a.csv"]).key()


def test_a_pattern_that_names_what_is_no_table_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"\* names .*README too, which is not called as a .*name tables alone"):
        library_files(str(folder / "*"))
    (folder / "more").mkdir()
    with pytest.raises(ValueError, match=r"names .*more too"):
        library_files(str(folder / "m*"))


def test_a_folder_that_we_made_is_not_one_of_tables(folder: Path) -> None:
    (folder / "key.json").write_text("{}")
    with pytest.raises(ValueError, match=r"is a prepared folder or one of results \(key\.json is in it\)"):
        library_files(str(folder))
    assert library_files(str(folder / "*.csv")) == [folder / "a.csv"]


def test_an_empty_word_is_not_this_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert library_files("") is None


def test_errors_say_which_file_they_are_of(folder: Path) -> None:
    (folder / "e.csv").write_text("smiles,note\nC,x\n")
    with pytest.raises(ValueError, match=r"e\.csv: the table has no column 'name'"):
        Library([folder / "a.csv", folder / "e.csv"], ids="name")
    (folder / "f.csv").write_text("smiles\nC\nC,x\n")
    with pytest.raises(ValueError, match=r"^\S*f\.csv has lines with more cells"):
        list(Library([folder / "f.csv"]))


def test_a_link_that_leads_nowhere_is_not_left_out(folder: Path) -> None:
    (folder / "g.csv").symlink_to(folder / "nowhere.csv")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*g\.csv"):
        Library(library_files(str(folder)) or [])
