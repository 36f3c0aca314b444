from pathlib import Path

from pyg_moleblend.datasets.io.failures import Failure, load_failures, save_failures

FAILURES = [Failure(3, 'a "quoted", cell', "it is\nno molecule"), Failure(7, "", "empty"), Failure(9, "é\r", "strange")]


def test_a_file_holds_what_was_saved(tmp_path: Path) -> None:
    save_failures(tmp_path / "a.csv", FAILURES)
    assert load_failures(tmp_path / "a.csv") == FAILURES
    save_failures(tmp_path / "a.csv", [])
    assert load_failures(tmp_path / "a.csv") == []


def test_long_texts_are_read_too(tmp_path: Path) -> None:
    long = [Failure(0, "C" * 200_000, "too long")]
    save_failures(tmp_path / "a.csv", long)
    assert load_failures(tmp_path / "a.csv") == long


def test_other_columns_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("row,id,input,reason\n4,x,C1CC,a ring is open\n")
    assert load_failures(tmp_path / "a.csv") == [Failure(4, "C1CC", "a ring is open")]
