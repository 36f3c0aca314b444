import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyg_moleblend.metrics.results import write_metrics
from pyg_moleblend.training.folder import LAST
from pyg_moleblend.training.repeats import describe_summary, fold_names, repeat, seed_names, summarise


class Trainings:
    r"""Stands in for training: a metric that the seed gives, and a checkpoint."""

    def __init__(self, split: str = "s") -> None:
        self.split = split
        self.done: list[tuple[int, bool]] = []

    def __call__(self, name: str, folder: Path, resume: bool) -> dict[str, Any]:
        seed = int(name.partition("-")[2])
        self.done.append((seed, resume))
        metrics = {"seed": seed, "split": self.split, "test": {"molecules": 3, "rmse": seed / 2}}
        (folder / LAST).parent.mkdir(parents=True, exist_ok=True)
        (folder / LAST).write_bytes(b"")
        write_metrics(folder, metrics)
        return metrics


def test_mean_and_standard_deviation_are_numpys(tmp_path: Path) -> None:
    summary = repeat(Trainings(), ["seed-3", "seed-4", "seed-8"], tmp_path)
    values = [1.5, 2.0, 4.0]
    assert summary["test"]["rmse"]["values"] == values
    assert summary["test"]["rmse"]["mean"] == pytest.approx(np.mean(values))
    assert summary["test"]["rmse"]["std"] == pytest.approx(np.std(values, ddof=1))
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert "valid" not in summary
    assert describe_summary(summary["test"]) == "rmse 2.5000 ± 1.3229"


def test_resuming_repeats_nothing_that_is_complete(tmp_path: Path) -> None:
    whole = repeat(Trainings(), seed_names(0, 4), tmp_path / "whole")
    repeat(Trainings(), seed_names(0, 2), tmp_path / "cut")
    interrupted = tmp_path / "cut" / "seed-2" / LAST
    interrupted.parent.mkdir(parents=True)
    interrupted.write_bytes(b"")
    later = Trainings()
    assert repeat(later, seed_names(0, 4), tmp_path / "cut", resume=True) == whole
    assert later.done == [(2, True), (3, False)]


def test_runs_that_are_there_are_not_written_over(tmp_path: Path) -> None:
    repeat(Trainings(), seed_names(1, 1), tmp_path)
    later = Trainings()
    with pytest.raises(ValueError, match="seed-1 holds a run already"):
        repeat(later, seed_names(0, 2), tmp_path)
    alone = tmp_path / "alone"
    (alone / LAST).parent.mkdir(parents=True)
    (alone / LAST).touch()
    with pytest.raises(ValueError, match="alone holds a run already"):
        repeat(later, seed_names(0, 2), alone)
    assert later.done == []


def test_runs_on_different_splits_are_not_averaged(tmp_path: Path) -> None:
    repeat(Trainings("a"), seed_names(0, 1), tmp_path)
    with pytest.raises(ValueError, match=r"differ in split: \['a', 'b'\]"):
        repeat(Trainings("b"), seed_names(0, 2), tmp_path, resume=True)
    assert "split" not in repeat(Trainings("b"), seed_names(0, 2), tmp_path, resume=True, alike=["metric"])
    with pytest.raises(ValueError, match="at least one run"):
        repeat(Trainings(), [], tmp_path)


def test_summary_of_tasks_and_of_what_is_not_defined() -> None:
    runs = [{"ap": 0.5, "ap_tasks_scored": 2, "ap_per_task": {"a": 0.5, "b": None}, "kind": "x"} for _ in range(2)]
    summary = summarise(runs)
    assert set(summary) == {"ap", "ap_per_task"}
    assert summary["ap_per_task"]["a"] == {"mean": 0.5, "std": 0.0, "values": [0.5, 0.5]}
    assert math.isnan(summary["ap_per_task"]["b"]["mean"])
    assert math.isnan(summarise(runs[:1])["ap"]["std"])


def test_folds_are_counted_from_one() -> None:
    assert fold_names(3) == ["fold-1", "fold-2", "fold-3"]
