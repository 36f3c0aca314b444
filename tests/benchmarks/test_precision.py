import json
from pathlib import Path

import pytest
import torch

from benchmarks import precision
from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction

FORMS = ["float32", "bfloat16 autocast", "bfloat16 weights", "onnxruntime float32", "onnxruntime int8"]
RESULTS = Path(precision.__file__).parent / "results" / "precision.json"


def test_every_form_is_measured_against_float32(config, tmp_path):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    torch.manual_seed(0)
    model = MoleBlendForPropertyPrediction(config, 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    task = Task("regression", ("gap",), ("eV",), (500.0,), (100.0,))
    folder = save_pretrained(model, tmp_path / "run", {"task": task.to_dict(), "modality": "2d+3d"})
    (tmp_path / "table.csv").write_text("smiles\nCCO\nbad\nc1ccccc1\nCC(=O)N\n")
    out, threads = tmp_path / "precision.json", torch.get_num_threads()
    words = [str(folder), "--table", f"{tmp_path / 'table.csv'}:smiles", "--batch-size", "2", "--repeats", "1"]
    result = precision.main([*words, "--out", str(out)])
    assert json.loads(out.read_text()) == result
    assert torch.get_num_threads() == threads
    assert (result["molecules"], list(result["forms"])) == (3, FORMS)
    errors = {name: of["largest_error"] for name, of in result["forms"].items()}
    assert errors["float32"] == 0
    assert 0 < errors["onnxruntime float32"] < 1e-5  # in standard deviations, not in eV
    for name in ("bfloat16 autocast", "bfloat16 weights", "onnxruntime int8"):
        assert 1e-5 < errors[name] < 0.1
    for of in result["forms"].values():
        assert of["speed_ratio"] == pytest.approx(result["forms"]["float32"]["seconds"] / of["seconds"])


def test_the_result_in_the_repository_is_of_these_forms():
    result = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert list(result["forms"]) == FORMS
    assert result["forms"]["float32"]["speed_ratio"] == 1
    assert all(
        of["mean_error"] <= of["largest_error"] < result["deviation_of_predictions"] for of in result["forms"].values()
    )
