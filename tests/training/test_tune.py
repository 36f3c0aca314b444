import json
import signal
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from pyg_moleblend.models import MoleBlend
from pyg_moleblend.splits import Split, random_split
from pyg_moleblend.training import Machine, Schedule, tune
from pyg_moleblend.training.study import Watch

pytest.importorskip("optuna", reason="needs the extra [tune]")
module = import_module("pyg_moleblend.training.tune")

SPLIT = random_split(14, (0.6, 0.2, 0.2))
SPACE = {"learning_rate": [1e-4, 1e-1], "head_ratio": [1.0, 10.0], "batch_size": [2, 4, 8], "dropout": [0.0, 0.5]}


@pytest.fixture
def search(config, machine, tmp_path):
    def run(molecules, out, trials=3, **options):
        given = {"space": SPACE, "schedule": Schedule(epochs=2), "machine": machine, "encoder": config, **options}
        return tune(molecules, SPLIT, tmp_path / out, trials=trials, **given)

    return run


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "trials.csv").drop(columns="seconds")


def test_trials_do_not_depend_on_the_test_molecules_and_can_be_replayed(molecules, search, monkeypatch):
    r"""Also in a search that is interrupted twice."""
    seen = []
    finetune = module.finetune

    def look(molecules, split, folder, *args, **kwargs):
        seen.append((folder.parent.name, len(split.test)))
        return finetune(molecules, split, folder, *args, **kwargs)

    monkeypatch.setattr(module, "finetune", look)
    done = search(molecules, "one")
    assert seen == [("trials", 0)] * 3 + [("best", len(SPLIT.test))]
    assert set(pd.read_csv(done.folder / "trials" / "0000" / "predictions.csv")["part"]) == {"valid"}
    assert not list((done.folder / "trials").rglob("*.ckpt"))
    trials = table(done.folder)
    best = trials.loc[trials["validation"].idxmin()]
    assert done.metrics["trials"] == {"looked_at": 3, "complete": 3, "pruned": 0, "failed": 0}
    assert done.metrics["best_trial"] == {"trial": best["trial"], "validation": best["validation"]}
    assert done.settings == {name: best[name] for name in SPACE}
    assert (done.metrics["split"], done.metrics["split_hash"]) == (str(SPLIT), SPLIT.hash)
    assert done.metrics["valid"]["rmse"]["mean"] == pytest.approx(best["validation"], rel=1e-4)  # the same seed
    single = json.loads((done.folder / "best" / "seed-0" / "metrics.json").read_text())
    assert done.metrics["test"]["rmse"]["values"] == [single["test"]["rmse"]]
    assert json.loads((done.folder / "metrics.json").read_text())["test"]["rmse"]["values"] == [single["test"]["rmse"]]

    others = [data.clone() for data in molecules]
    for position in SPLIT.test.tolist():
        others[position].y = others[position].y + 100.0
    validated, count = Watch.on_validation_end, [0]

    def interrupted(self, trainer, pl_module):
        validated(self, trainer, pl_module)
        count[0] += 1
        if count[0] in (2, 5):
            raise SystemExit(143)

    monkeypatch.setattr(Watch, "on_validation_end", interrupted)
    for _ in range(2):
        with pytest.raises(SystemExit, match="143"):
            search(others, "two")
    changed = search(others, "two")
    pd.testing.assert_frame_equal(table(changed.folder), trials)
    assert changed.metrics["valid"] == done.metrics["valid"]
    assert changed.metrics["test"]["rmse"]["mean"] > 50


def test_trials_that_fail_are_kept_with_their_reason(molecules, search, monkeypatch, config):
    finetune, count = module.finetune, [0]

    def fail(*args, **kwargs):
        count[0] += 1
        if count[0] == 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        if count[0] == 3:
            raise RuntimeError("a fault")
        return finetune(*args, **kwargs)

    monkeypatch.setattr(module, "finetune", fail)
    encoder = MoleBlend(config)
    weights = torch.nn.utils.parameters_to_vector(encoder.parameters()).clone()
    options = {"seed": 1, "trials": 4, "space": {"learning_rate": {"choices": [1e-3, 1e30]}}, "encoder": encoder}
    with pytest.raises(RuntimeError, match="a fault"):
        search(molecules, "run", **options)
    done = search(molecules, "run", **options)
    trials = table(done.folder)
    assert trials["state"].tolist() == ["complete", "failed", "failed", "complete"]
    assert trials["reason"][1] == "CUDA out of memory. Tried to allocate 2 GiB"
    assert trials["reason"][2].startswith("the training has diverged")
    assert done.metrics["trials"]["failed"] == 2
    assert done.settings == {"learning_rate": 1e-3}
    assert torch.equal(torch.nn.utils.parameters_to_vector(encoder.parameters()), weights)
    assert search(molecules, "run", **options).metrics == json.loads((done.folder / "metrics.json").read_text())
    for name, change in (
        ("encoder.weights was", {"encoder": MoleBlend(config)}),
        ("ended, its test molecules were scored after 4 trials with 1 seeds", {"trials": 5}),
        ("labels.train was", {"molecules": [data.clone().update({"y": data.y + 1}) for data in molecules]}),
    ):
        with pytest.raises(ValueError, match=name):
            search(**{"molecules": molecules, "out": "run", **options, **change})


def test_pruned_trials_and_a_limit_of_time_end_in_order(molecules, search, monkeypatch, machine):
    class Worse(Watch):
        r"""As if each trial were worse than those before."""

        def on_validation_end(self, trainer, pl_module):
            told = {self.monitor: float(self.trial.number)}
            super().on_validation_end(SimpleNamespace(current_epoch=trainer.current_epoch, callback_metrics=told), None)

    monkeypatch.setattr(module, "Watch", Worse)
    monkeypatch.setattr(import_module("pyg_moleblend.training.study"), "_STARTUP", 1)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(SystemExit, match="75"):
        search(molecules, "run", seeds=2, machine=replace(machine, max_minutes=1e-9))
    done = search(molecules, "run", seeds=2, machine=replace(machine, max_minutes=60.0))
    trials = table(done.folder)
    assert trials["state"].tolist() == ["complete", "pruned", "pruned"]
    assert trials["epochs"].tolist() == [2, 1, 1]
    assert done.metrics["trials"] == {"looked_at": 3, "complete": 1, "pruned": 2, "failed": 0}
    assert done.metrics["best_trial"] == {"trial": 0, "validation": 0.0}
    assert len(done.metrics["test"]["rmse"]["values"]) == 2
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_arguments_are_checked_before_anything_is_trained(molecules, search, machine, config, tmp_path):
    nobody = torch.empty(0, dtype=torch.long)
    blind = Split("blind", SPLIT.train, nobody, SPLIT.test)
    with pytest.raises(ValueError, match=r"chosen by validation molecules, and the split blind .* has none"):
        tune(molecules, blind, tmp_path / "run", config, machine=machine)
    for options, message in (
        ({"machine": Machine(devices=2)}, "one device, got devices=2"),
        ({"patience": 0}, "`patience` must be at least 1, got 0"),
        ({"trials": 0}, "`trials` must be at least 1, got 0"),
        ({"metric": "rocauc"}, "for regression, got 'rocauc'"),
    ):
        with pytest.raises(ValueError, match=message):
            search(molecules, "run", **options)
    assert not (tmp_path / "run").exists()
