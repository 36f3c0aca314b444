import json
from pathlib import Path

import pytest
import samples

from benchmarks import gpu, model_runs


def test_the_script_runs_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(model_runs.CONFIGS, "12x768", samples.tiny_config())
    (tmp_path / "table.csv").write_text("smiles\nCCO\nN\nCC\n")
    out, trace = tmp_path / "gpu.json", tmp_path / "trace.json"
    given = ["--table", f"{tmp_path / 'table.csv'}:smiles", "--precisions", "float32", "bf16", "--batch-size", "2"]
    result = gpu.main([*given, "--device", "cpu", "--steps", "3", "--out", str(out), "--trace", str(trace)])
    assert json.loads(out.read_text()) == result
    assert result["mean_atoms"] == 2
    assert result["precisions"].keys() == {"float32", "bf16"}
    for way in result["precisions"].values():
        assert 0 < way["useful"] < way["achieved"] < 1
        assert 0 < sum(way["kernels"].values()) <= 1.0001
        assert any("mm" in kernel for kernel in way["kernels"])
    assert "traceEvents" in json.loads(trace.read_text())
