import json
from pathlib import Path

import pytest
import samples
import torch

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


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_remedy_is_named(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        gpu.main(["--table", "table.csv:smiles"])
    assert "--device cpu tries the script" in capsys.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_kernels_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(model_runs.CONFIGS, "12x768", samples.tiny_config())
    (tmp_path / "table.csv").write_text("smiles\nCCO\nN\nCC\n")
    result = gpu.main(["--table", f"{tmp_path / 'table.csv'}:smiles", "--precisions", "bf16", "--batch-size", "2"])
    kernels = result["precisions"]["bf16"]["kernels"]
    assert not any(name.startswith("aten::") for name in kernels)
    assert 0 < sum(kernels.values()) <= 1.0001
