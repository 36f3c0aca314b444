import io
import json
import sys

import pytest
import torch

from pyg_moleblend.cli import main
from pyg_moleblend.inference import predict
from pyg_moleblend.inference.export import export_inputs


def test_a_program_of_torch_export(property_model, tmp_path, capsys):
    out = tmp_path / "gap.pt2"
    assert main(["export", str(property_model), "--out", str(out)]) == 0
    assert f"{out} takes x ['batch', 'atoms', 9], mask" in capsys.readouterr().err
    told = json.loads((tmp_path / "gap.pt2.json").read_text())
    assert (told["kind"], told["file"], told["modality"]) == ("regression", "gap.pt2", "2d")
    program = torch.export.load(io.BytesIO(out.read_bytes())).module()
    inputs = {name: torch.from_numpy(array) for name, array in export_inputs(property_model, ["CCO", "C#N"]).items()}
    expected = predict(property_model, ["CCO", "C#N"], device="cpu")["gap"].tolist()
    assert program(inputs)["values"].flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_errors_name_input_and_remedy(property_model, pretrained_model, tmp_path, refused, monkeypatch):
    assert "exported as .onnx or .pt2, got model.pkl" in refused("export", property_model, "--out", "model.pkl")
    assert "knows no property" in refused("export", pretrained_model, "--out", tmp_path / "model.pt2")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert "pip install 'pyg-moleblend[export]'" in refused("export", property_model, "--out", tmp_path / "model.onnx")
