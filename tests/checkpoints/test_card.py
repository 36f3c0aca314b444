import json

import pytest
import samples
import yaml

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.checkpoints.card import model_card
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlend, MoleBlendForPropertyPrediction

TASK = Task("regression", ("log|P", "gap"), ("", "eV"), (1.25, 5.0), (0.5, 1.5))


@pytest.fixture
def run(tmp_path):
    r"""A run's folder with what a fine-tuning leaves there."""
    model = samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), 2))
    recipe = {"hydrogens": "add", "conformers": {"seed": 3, "count": 2}}
    metadata = {"task": TASK.to_dict(), "modality": "2d+3d", "split": "s (8; abc)", "seed": 4, "recipe": recipe}
    save_pretrained(model, tmp_path / "run" / "model", metadata)
    intervals = {"level": 0.9, "targets": {"gap": {"coverage": 0.875, "width": 2.5}}}
    metrics = {
        "metric": "rmse",
        "split": "s (8; abc)",
        "train_molecules": 8,
        "valid": {"molecules": 2, "rmse": 0.5},
        "test": {"molecules": 3, "rmse": 0.75, "intervals": intervals},
    }
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "run" / "run.json").write_text(json.dumps({"molecules": {"train": "8 molecules 0123"}}))
    (tmp_path / "run" / "config.yaml").write_text("data: /home/someone/secret/esol.csv\n")
    return tmp_path / "run"


def test_it_tells_what_is_recorded(run):
    card = model_card(run, "someone/solubility")
    _, front, text = card.split("---\n", 2)
    assert yaml.safe_load(front)["library_name"] == "pyg-moleblend"
    weights = sum(p.numel() for p in MoleBlendForPropertyPrediction(samples.tiny_config(), 2).state_dict().values())
    for line in (
        "# solubility",
        'predict("someone/solubility", ["CCO", "c1ccccc1O"])',
        r"| log\|P | not recorded | 1.25 | 0.5 |",
        "| gap | eV | 5 | 1.5 |",
        "| data | esol.csv |",
        "| split, and the hash of its parts | s (8; abc) |",
        "| training molecules, and their hash | 8 molecules 0123 |",
        "| hydrogens | add |",
        "| conformers | seed 3, count 2 |",
        "| rmse | 0.5 | 0.75 |",
        "| gap | test | 0.9 | 0.875 | 2.5 |",
    ):
        assert line in text.splitlines(), line
    assert f"of {weights:,} weights that predicts 2 targets (regression)" in text
    assert "licence of the weights" in text
    assert "secret" not in card  # where the data lay is nobody's business
    assert model_card(run / "model", "someone/solubility") == card


def test_a_score_that_one_part_alone_has_is_told(run):
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["valid"]["r2"], metrics["test"] = None, {**metrics["test"], "r2": -0.5, "r2_tasks_scored": 1}
    (run / "metrics.json").write_text(json.dumps(metrics))
    lines = model_card(run, "a/b").splitlines()
    assert "| r2 | – | -0.5 |" in lines
    assert not any("tasks_scored" in line for line in lines)


def test_the_data_of_one_of_several_runs_are_told(run):
    (run / "config.yaml").rename(run.parent / "config.yaml")
    assert "| data | esol.csv |" not in model_card(run, "a/b").splitlines()
    (run.parent / "summary.json").write_text("{}")
    assert "| data | esol.csv |" in model_card(run, "a/b").splitlines()


def test_it_tells_nothing_else(tmp_path):
    folder = save_pretrained(MoleBlend(samples.tiny_config()), tmp_path / "encoder")
    card = model_card(folder, "someone/encoder")
    assert "A `MoleBlend` of " in card
    for word in ("predict(", "## Targets", "## Scores", "## Data", "license:", "None", "nan"):
        assert word not in card
    assert "any score on test molecules" in card


def test_a_damaged_run_is_named(run):
    (run / "metrics.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"metrics\.json is damaged"):
        model_card(run, "a/b")
