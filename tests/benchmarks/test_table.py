import json

import numpy as np
import pytest
import torch

from benchmarks import table
from benchmarks.table import Results, markdown, splits_of
from pyg_moleblend.datasets import Failure
from pyg_moleblend.splits import random_split

MODEL = {"name": "a model", "size": 3}


def values(value, scored=2):
    return {"value": value, "tasks": 2, "n_tasks_scored": scored}


def make(path, model=MODEL):
    return Results(path, "a table", "a set", "rmse", model)


def test_runs_are_kept_and_summed_up(tmp_path):
    path, measured = tmp_path / "results" / "a.json", [0.5, 0.75, 0.7]
    splits = [random_split(10, seed=seed) for seed in range(3)]
    for seed, value in enumerate(measured):
        results = make(path)  # as after an interruption
        results.set_data(12, 10, [Failure(3, "C1CC", "unclosed ring"), Failure(5, "", "empty")])
        assert not results.has("random", seed)
        results.add("random", splits[seed], seed, values(value))
        assert results.has("random", seed)
        assert not results.has("scaffold", seed)
    content = json.loads(path.read_text())
    (cell,) = content["cells"]
    assert cell["mean"] == pytest.approx(np.mean(measured))
    assert cell["sd"] == pytest.approx(np.std(measured, ddof=1))
    assert [(run["seed"], run["split_hash"]) for run in cell["runs"]] == [(i, s.hash) for i, s in enumerate(splits)]
    assert [cell["runs"][0][part] for part in ("train", "valid", "test")] == [8, 1, 1]
    assert content["data"]["rows_lost"] == 2
    assert content["data"]["lost"][0] == {"row": 3, "input": "C1CC", "reason": "unclosed ring"}
    assert content["versions"]["torch"] == torch.__version__


def test_a_file_of_something_else_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    results = make(path)
    results.set_data(10, 10, [])
    results.add("random", random_split(10), 0, values(1.0))
    with pytest.raises(ValueError, match=r"has model .*'size': 3.*, this run .*'size': 4"):
        make(path, {**MODEL, "size": 4})
    with pytest.raises(ValueError, match="is of other data"):
        make(path).set_data(11, 10, [Failure(0, "", "empty")])
    monkeypatch.setattr(table, "versions", lambda: {"torch": "0"})
    with pytest.raises(ValueError, match="has versions"):
        make(path)
    path.write_text(path.read_text()[:50])
    with pytest.raises(ValueError, match=r"is damaged: .*; delete it"):
        make(path)


def test_markdown(tmp_path):
    results = make(tmp_path / "a.json")
    results.set_data(12, 10, [Failure(3, "C1CC", "unclosed ring"), Failure(5, "", "empty")])
    split = random_split(10)
    for seed, value in enumerate((1.0, 2.0)):
        results.add("random", split, seed, values(value, scored=1))
    results.add("scaffold", split, 0, values(0.25))
    results.add("column", split, 0, values(float("nan"), scored=0))
    assert splits_of([results.content], ["random"]) == f"* a set, random: {split.name} (8/1/1; {split.hash})"
    assert len(splits_of([results.content]).splitlines()) == 3
    assert markdown([results.content]).splitlines() == [
        "| set | metric | molecules | rows lost | random | scaffold | column |",
        "|---|---|--:|--:|---|---|---|",
        "| a set | rmse | 10 | 2 | 1.5 ± 0.71 (2), 1 of 2 tasks | 0.25 (1) | not defined (1), 0 of 2 tasks |",
    ]
    assert (
        markdown([results.content], ["scaffold", "fold"]).splitlines()[2] == "| a set | rmse | 10 | 2 | 0.25 (1) |  |"
    )
