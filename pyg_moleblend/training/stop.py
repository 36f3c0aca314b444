from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from pyg_moleblend.training.folder import LAST
from pyg_moleblend.training.trainer import is_between_updates

TIME_IS_UP = 75
r"""Exit code of a run that has had its time and is to be resumed: EX_TEMPFAIL of sysexits.h, "try again"."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SaveAndStop(Callback):
    r"""Ends a run between two updates with a checkpoint, to be resumed, once there is an exit code to end it with.

    Args:
        out: Folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.code: int | None = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        r"""Saves and stops, if that is wanted and the run can go on from here."""
        if self.code is not None and is_between_updates(trainer, batch_idx):
            trainer.save_checkpoint(self.out / LAST)
            self.stop()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Stops, if that is wanted; the epoch before has been saved."""
        self.stop()

    def stop(self) -> None:
        r"""Raises ``SystemExit`` if the run is to end."""
        if self.code is not None:
            raise SystemExit(self.code)


class StopAfter(SaveAndStop):
    r"""Ends a run after some time, with the exit code :data:`TIME_IS_UP`.

    Args:
        out: Folder of the run.
        minutes: After so many of training. Of several processes the run ends when all of them have had their time.
    """

    def __init__(self, out: Path, minutes: float) -> None:
        super().__init__(out)
        self.minutes = minutes

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Looks at the clock."""
        self._end = time.monotonic() + 60 * self.minutes

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        r"""Saves and stops when the time is up."""
        if trainer.strategy.reduce_boolean_decision(time.monotonic() >= self._end):
            if self.code is None and trainer.is_global_zero:
                print(f"{self.minutes:g} minutes are over: saving the run, to be resumed", file=sys.stderr)
            self.code = TIME_IS_UP
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


class StopOnSignal(SaveAndStop):
    r"""Ends a run that is interrupted (Ctrl-C, or SIGTERM of a batch system).

    It is saved after the update that is being made, or after the epoch's validation, and the process ends with 128
    and the signal's number. A second signal ends it at once. Of several processes of a run none may stop alone, so
    there Lightning's own handlers stay.

    Args:
        out: Folder of the run.
    """

    def __init__(self, out: Path) -> None:
        super().__init__(out)
        self._previous: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Takes over the signals, after Lightning."""
        if trainer.world_size == 1 and threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        r"""Gives the signals back, where Lightning has not yet: what it has found before its own is not to be lost."""
        for number, handler in self._previous.items():
            if signal.getsignal(number) == self._note:
                signal.signal(number, handler)
        self._previous = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.stop()
        self.code = 128 + number
        print(f"{signal.Signals(number).name}: saving the run, to be resumed; again to stop at once", file=sys.stderr)
