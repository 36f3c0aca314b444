import pytest

from pyg_moleblend.cli import main
from pyg_moleblend.datasets.quantum import read_quantum_labels

pytest.importorskip("tblite", reason="needs the extra [quantum]")


def test_a_table_becomes_parts_and_one_small_file(tmp_path, capsys):
    table = tmp_path / "molecules.smi"
    table.write_text("CCO\nC(\nCC#N\n")
    small = tmp_path / "small.parquet"
    words = ["quantum", str(table), "--num-workers", "0", "--part-size", "2", "--progress", "false"]
    assert main([*words, "--compact", str(small)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "3 rows = 2 molecules + 1 failures\n"
    assert "1 × syntax error" in captured.err
    assert f"{small}: 0.0" in captured.err
    assert read_quantum_labels(small).smiles == ["CCO", "CC#N"]
    assert len(list((tmp_path / "molecules.quantum").glob("part-*.parquet"))) == 2


def test_what_cannot_be_labelled_is_one_line(tmp_path, refused):
    (tmp_path / "molecules.csv").write_text("name\nx\n")
    assert "say which column holds the molecules" in refused(
        "quantum", tmp_path / "molecules.csv", "--num-workers", "0"
    )
    assert "labels are written as .parquet" in refused("quantum", tmp_path / "molecules.csv", "--compact", "a.csv")
