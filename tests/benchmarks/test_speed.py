import json
from pathlib import Path

import pytest
import torch

from benchmarks import speed


def test_molecules_come_from_tables(tmp_path: Path):
    (tmp_path / "one.csv").write_text("smiles,y\nCCO,1\nbad,2\nN,3\n")
    (tmp_path / "two.csv").write_text("mol\nCC\n\nC\n")
    texts = speed.tables([f"{tmp_path / 'one.csv'}:smiles", f"{tmp_path / 'two.csv'}:mol"])
    assert texts == ["CCO", "bad", "N", "CC", "C"]
    assert speed.readable(texts, 10) == ["CCO", "N", "CC", "C"]
    with pytest.raises(ValueError, match="FILE:COLUMN"):
        speed.tables(["one.csv"])


def test_result_is_written(tmp_path: Path):
    (tmp_path / "table.csv").write_text("smiles\nCCO\nN\n")
    out, threads = tmp_path / "speed.json", torch.get_num_threads()
    table = f"{tmp_path / 'table.csv'}:smiles"
    result = speed.main(["data", "--table", table, "--repeats", "1", "--out", str(out)])
    assert json.loads(out.read_text()) == result
    assert result.keys() == {"environment", "matrix_peak_gflops", "data"}
    assert torch.get_num_threads() == threads


def test_unknown_parts_are_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        speed.main(["backward"])
    assert "['backward'] are none of data, step, forward" in capsys.readouterr().err
