import os
import signal
from dataclasses import replace
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch

from pyg_moleblend.training import Schedule, pretrain
from pyg_moleblend.training.folder import LAST
from pyg_moleblend.training.stop import TIME_IS_UP, StopOnSignal
from pyg_moleblend.training.trainer import WholeUpdates


class SendAt(pl.Callback):
    r"""Sends a signal to this process after an update."""

    def __init__(self, step: int, number: int) -> None:
        self.step, self.number = step, number

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_goes_on_as_if_it_had_not_been(
    number: signal.Signals, molecules, config, machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    def go(out: str, resume: bool = False) -> torch.Tensor:
        schedule = Schedule(epochs=2, batch_size=3, learning_rate=1e-2)
        run = pretrain(molecules[:10], tmp_path / out, molecules[10:], config, schedule, machine, resume=resume)
        return torch.nn.utils.parameters_to_vector(run.model.parameters())

    handlers = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    whole = go("whole")
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == handlers
    setup = WholeUpdates.setup
    sender = SendAt(1, number)

    def with_sender(self, trainer, *args, **kwargs):
        setup(self, trainer, *args, **kwargs)
        if sender not in trainer.callbacks:
            trainer.callbacks.append(sender)

    with monkeypatch.context() as patched:
        patched.setattr(WholeUpdates, "setup", with_sender)
        with pytest.raises(SystemExit) as stopped:
            go("stopped")
    assert stopped.value.code == 128 + number
    assert f"{number.name}: saving the run" in capsys.readouterr().err
    assert (tmp_path / "stopped" / LAST).is_file()
    assert not (tmp_path / "stopped" / "metrics.json").exists()
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert torch.equal(go("stopped", resume=True), whole)


def test_a_run_that_has_had_its_time_is_saved_and_goes_on(molecules, config, machine, tmp_path: Path):
    def go(out: str, max_minutes: float | None, resume: bool = False) -> torch.Tensor:
        schedule, limited = (
            Schedule(epochs=2, batch_size=3, learning_rate=1e-2),
            replace(machine, max_minutes=max_minutes),
        )
        run = pretrain(molecules[:10], tmp_path / out, molecules[10:], config, schedule, limited, resume=resume)
        return torch.nn.utils.parameters_to_vector(run.model.parameters())

    whole = go("whole", 60.0)
    for resume in (False, True):  # a single update each
        with pytest.raises(SystemExit, match=str(TIME_IS_UP)):
            go("legs", 1e-9, resume)
    assert torch.equal(go("legs", None, resume=True), whole)


def test_a_second_signal_stops_at_once(tmp_path: Path):
    stop = StopOnSignal(tmp_path)
    stop.stop()  # nothing was received
    stop._note(signal.SIGTERM, None)
    with pytest.raises(SystemExit, match="143"):
        stop._note(signal.SIGTERM, None)
