import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace

import lightning.pytorch as pl
import pytest
import torch

from pyg_moleblend.splits import random_split
from pyg_moleblend.training import Schedule, finetune, run
from pyg_moleblend.training.folder import BEST, LAST, RUN_FILE, check_folder, check_same_run, one_run, resume_point

SPLIT = random_split(14, (0.6, 0.2, 0.2))
SCHEDULE = Schedule(epochs=6, batch_size=4, learning_rate=0.05)


class Signalled(pl.Callback):
    r"""Sends this process a signal in the middle of an epoch."""

    def __init__(self, number, epoch, batch):
        self.number, self.at = number, (epoch, batch)

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == self.at:
            os.kill(os.getpid(), self.number)


def interrupt(monkeypatch, callback):
    make = run.make_trainer

    def make_interrupted(*args, **kwargs):
        trainer = make(*args, **kwargs)
        trainer.callbacks.append(callback)
        return trainer

    monkeypatch.setattr(run, "make_trainer", make_interrupted)


def test_folders(tmp_path):
    assert not check_folder(tmp_path, resume=False)
    with pytest.raises(FileNotFoundError, match="there is no run to resume"):
        check_folder(tmp_path, resume=True)
    (tmp_path / LAST).parent.mkdir()
    (tmp_path / LAST).touch()
    assert check_folder(tmp_path, resume=True)
    with pytest.raises(ValueError, match="holds a run already"):
        check_folder(tmp_path, resume=False)


def test_one_run_at_a_time(tmp_path):
    out = tmp_path / "run"
    other = (
        "import sys; from pathlib import Path; from pyg_moleblend.training.folder import one_run\n"
        "with one_run(Path(sys.argv[1])): print('entered')"
    )
    with one_run(out), one_run(out):
        (out / "file").touch()
        found = subprocess.run([sys.executable, "-c", other, str(out)], capture_output=True, text=True, check=False)
        assert "another run is at work in" in found.stderr
        assert not found.stdout
    found = subprocess.run([sys.executable, "-c", other, str(out)], capture_output=True, text=True, check=True)
    assert found.stdout == "entered\n"
    with pytest.raises(RuntimeError, match="nothing came of it"), one_run(tmp_path / "new"):
        raise RuntimeError("nothing came of it")
    assert not (tmp_path / "new").exists()


def test_what_differs_is_named(tmp_path):
    facts = {"targets": ["a"], "schedule": {"epochs": 2, "steps": None}, "labels": "x" * 100}
    check_same_run(tmp_path, facts, resume=False)
    check_same_run(tmp_path, facts, resume=True)
    changed = {**facts, "schedule": {"epochs": 3, "steps": None}, "more": 1}
    with pytest.raises(ValueError, match=r"things: schedule\.epochs was 2, is 3; more was nothing, is 1\. Resume"):
        check_same_run(tmp_path, changed, resume=True)
    (tmp_path / RUN_FILE).write_text("{")
    with pytest.raises(ValueError, match=r"run\.json, which tells what the run is, is damaged or missing"):
        check_same_run(tmp_path, facts, resume=True)


def test_a_damaged_last_checkpoint_is_told_and_the_best_one_taken(tmp_path, caplog):
    for name in (LAST, BEST):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        torch.save({"state_dict": {}}, tmp_path / name)
    assert resume_point(tmp_path) == tmp_path / LAST
    (tmp_path / LAST).write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert resume_point(tmp_path) == tmp_path / BEST
    assert "last.ckpt is damaged" in caplog.text
    assert "goes on from" in caplog.text
    (tmp_path / BEST).write_bytes(b"")
    with pytest.raises(ValueError, match=r"last\.ckpt is damaged"):
        resume_point(tmp_path)


@pytest.mark.parametrize(("number", "batch"), [(signal.SIGTERM, 0), (signal.SIGINT, 1)])
def test_a_run_that_a_signal_stops_goes_on_wherever_its_folder_is(
    number, batch, molecules, config, machine, tmp_path, monkeypatch
):
    arguments = {"encoder": config, "schedule": SCHEDULE, "machine": machine, "patience": 5}
    whole = finetune(molecules, SPLIT, tmp_path / "whole", **arguments)
    with monkeypatch.context() as patched:
        interrupt(patched, Signalled(number, 3, batch))  # batch 1 is the last: the epoch's validation comes first
        before = signal.getsignal(number)
        with pytest.raises(SystemExit) as stopped:
            finetune(molecules, SPLIT, tmp_path / "cut", **arguments)
    assert stopped.value.code == 128 + number
    assert signal.getsignal(number) == before
    assert not (tmp_path / "cut" / "metrics.json").exists()
    (tmp_path / "cut").rename(tmp_path / "moved")
    rest = finetune(molecules, SPLIT, tmp_path / "moved", resume=True, **arguments)
    assert rest.metrics == whole.metrics
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, rest.model.state_dict()[name])


def test_other_labels_targets_and_splits_do_not_go_on(molecules, config, machine, tmp_path):
    begun = {"encoder": config, "schedule": replace(SCHEDULE, epochs=1), "machine": machine, "kind": "regression"}
    finetune(molecules, SPLIT, tmp_path, targets=["size", "twice"], **begun)
    kept = json.loads((tmp_path / RUN_FILE).read_text())
    other = [data.clone() for data in molecules]
    other[int(SPLIT.test[0])].y[0, 0] += 1

    def refused(message, given=molecules, split=SPLIT, targets=("size", "twice"), **more):
        with pytest.raises(ValueError, match=f"begun with other things: .*{message}"):
            finetune(given, split, tmp_path, targets=targets, resume=True, **begun, **more)

    refused(r"labels\.test was ", given=other)
    refused(r"split\.hash was ", split=random_split(14, (0.6, 0.2, 0.2), seed=1))
    refused(r"targets was \['size', 'twice'\], is \['twice', 'size'\]", targets=("twice", "size"))
    refused("metric was rmse, is mae", metric="mae")
    refused(r"modality was 2d\+3d, is 2d", modality="2d")
    refused("patience was 10, is 3", patience=3)
    assert json.loads((tmp_path / RUN_FILE).read_text()) == kept
