import json
import subprocess
import sys
import time
from importlib import import_module

import pandas as pd
import pytest
import yaml

from pyg_moleblend.checkpoints import from_pretrained
from pyg_moleblend.cli import main

SPACE = ["--space", "{learning_rate: [1e-4, 1e-2], batch_size: [2, 4, 8], dropout: [0, 0.4]}"]


def words_of(table, folder, *words):
    common = ["--data", table, "--out", folder, "--targets", "gap", "--split", "column:part", "--schedule.epochs", 1]
    return [str(word) for word in (*common, *words)]


@pytest.fixture
def without_optuna(monkeypatch):
    for name in ("optuna", "optuna.storages.journal"):
        monkeypatch.setitem(sys.modules, name, None)


def test_what_is_missing_is_named(table, tmp_path, tiny_words, without_optuna, refused):
    line = refused("tune", *words_of(table, tmp_path / "run", *tiny_words))
    assert "needs the package optuna: pip install 'pyg-moleblend[tune]'" in line
    assert not (tmp_path / "run").exists()


def test_two_processes_share_a_study_and_its_best_settings_are_finetunes(
    table, tmp_path, pretrained_model, quiet_words, refused, monkeypatch, capsys
):
    pytest.importorskip("optuna", reason="needs the extra [tune]")
    monkeypatch.setattr("pyg_moleblend.cli.plugins.LOADED", [])  # what other tests have loaded, another process has not
    module, out = import_module("pyg_moleblend.training.tune"), tmp_path / "run"
    finetune, others = module.finetune, []
    words = words_of(table, out, "--encoder", pretrained_model, "--trials", 3, *SPACE, *quiet_words)

    def with_another(*args, **kwargs):
        r"""While this process is at work on the first trial, another one does the rest, and then waits."""
        if not others:
            others.append(
                subprocess.Popen([sys.executable, "-m", "pyg_moleblend", "tune", *words], text=True, stdout=-1)
            )
            end = time.monotonic() + 120
            while not (out / "trials.csv").is_file() or len(pd.read_csv(out / "trials.csv")) < 3:
                assert others[0].poll() is None
                assert time.monotonic() < end
                time.sleep(0.2)
            while set(pd.read_csv(out / "trials.csv")["state"][1:]) != {"complete"}:
                assert time.monotonic() < end
                time.sleep(0.2)
            assert not (out / "metrics.json").exists()
        return finetune(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(module, "finetune", with_another)
        assert main(["tune", *words]) == 0
    printed = capsys.readouterr().out
    assert others[0].communicate(timeout=60)[0] == printed
    assert printed.splitlines()[2].startswith("test: rmse ")
    assert others[0].returncode == 0
    assert printed.startswith("best of 3 trials (3 complete, 0 pruned, 0 failed): {'learning_rate': ")
    assert pd.read_csv(out / "trials.csv")["trial"].tolist() == [0, 1, 2]
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["trials"]["looked_at"] == 3
    assert not list(out.glob("best/*/csv/version_1"))  # trained once

    found = yaml.safe_load((out / "best.yaml").read_text())
    assert found["schedule"]["learning_rate"] == metrics["settings"]["learning_rate"]
    assert found["dropouts"]["dropout"] == metrics["settings"]["dropout"]
    alone = ["--config", str(out / "best.yaml"), *words_of(table, tmp_path / "alone", "--encoder", pretrained_model)]
    assert main(["finetune", *alone, *quiet_words]) == 0
    assert json.loads((tmp_path / "alone" / "metrics.json").read_text())["test"]["rmse"] == pytest.approx(
        metrics["test"]["rmse"]["mean"]
    )

    assert main(["tune", *words]) == 0  # what was found, at once
    assert printed in capsys.readouterr().out
    assert "was begun with other options: seed was 0, is 1" in refused("tune", *words, "--seed", "1")
    assert "scored after 3 trials with 1 seeds" in refused("tune", *words, "--trials", "9")
    assert "holds a run already, which is no study" in refused("tune", *words, "--out", tmp_path / "alone")


def test_the_best_settings_keep_criterion_and_readout(table, tmp_path, quiet_words):
    pytest.importorskip("optuna", reason="needs the extra [tune]")
    parts = ["--criterion", "Gaussian", "--readout", "PooledReadout"]
    words = words_of(table, tmp_path / "study", "--trials", "1", *parts)
    assert main(["tune", *words, *quiet_words]) == 0
    alone = ["--config", str(tmp_path / "study" / "best.yaml"), *words_of(table, tmp_path / "alone")]
    assert main(["finetune", *alone, *quiet_words]) == 0
    model = from_pretrained(tmp_path / "alone")
    assert (type(model.criterion).__name__, type(model.readout).__name__) == ("Gaussian", "PooledReadout")
