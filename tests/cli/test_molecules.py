import io

import pytest

from pyg_moleblend.chem import MoleculeError
from pyg_moleblend.cli.molecules import check_output, read_library, say_tally
from pyg_moleblend.inference.screening.output import Tally


def entries(*arguments):
    return [entry for rows in read_library(*arguments) for entry in rows.entries]


def test_inputs(table, tmp_path, monkeypatch):
    assert len(entries(str(table))) == 12
    assert len(entries(str(tmp_path))) == 12
    assert entries("C/C=C/C") == ["C/C=C/C"]
    monkeypatch.setattr("sys.stdin", io.StringIO("C\r\nCC\r\n"))
    assert entries("-") == ["C", "CC"]
    with pytest.raises(MoleculeError, match="cannot use molecule 'molecules'"):
        read_library("molecules")
    with pytest.raises(FileNotFoundError):
        read_library(str(tmp_path / "nowhere.sdf"))
    with pytest.raises(ValueError, match=r"--id-column is of a table, and 'CCO' is none: leave --id-column name out"):
        read_library("CCO", None, "name")


def test_a_long_smiles_is_not_read_to_find_that_it_is_too_long():
    long = "C" * 100_000
    assert entries(long, None, None, 1000) == [long]


def test_other_kinds_of_output_and_inputs_are_refused(table, tmp_path):
    with pytest.raises(ValueError, match=r"to a folder .*, or as \.csv, \.tsv or \.parquet, got 'out\.txt'"):
        check_output("out.txt", "CCO", "model")
    for given in (str(table), str(tmp_path), str(tmp_path / "*.csv")):
        with pytest.raises(ValueError, match="would be overwritten"):
            check_output(str(table), given, "model")
    check_output(str(tmp_path / "new"), str(table), "model")
    check_output(None, str(table), "model")


def test_what_is_said(capsys):
    say_tally(Tally(3, 1, 1), "embedded", "out.csv")
    say_tally(Tally(2), "predicted", None)
    assert capsys.readouterr().err == (
        "2 of 3 molecules embedded, 1 of them from 2D only; 1 failed (the column status says why) -> out.csv\n"
        "2 of 2 molecules predicted; 0 failed\n"
    )


def test_what_is_not_read_of_a_folder_is_said(table, tmp_path, capsys):
    entries(str(tmp_path))
    assert capsys.readouterr().err == ""
    (tmp_path / "inner").mkdir()
    (tmp_path / "part-0").write_text("CCO\n")
    assert len(entries(str(tmp_path))) == 12
    assert f"2 entries of {tmp_path} are not read, inner for one: they are no .csv" in capsys.readouterr().err


def test_results_do_not_become_molecules_of_the_next_run(table, tmp_path):
    with pytest.raises(ValueError, match="would be one of the tables of"):
        check_output(str(tmp_path / "new.csv"), str(tmp_path), "model")
    check_output(str(tmp_path / "nowhere" / "new.csv"), str(tmp_path), "model")
    for out in ("-", ""):
        with pytest.raises(ValueError, match="go to the standard output where no file is named: leave --out"):
            check_output(out, "CCO", "model")


def test_a_file_of_results_is_not_written_over(table, tmp_path):
    (tmp_path / "key.json").write_text("{}")
    with pytest.raises(ValueError, match=r"would be in a folder of results or a prepared one"):
        check_output(str(tmp_path / "part-000000.parquet"), "CCO", "model")
