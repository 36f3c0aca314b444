from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from pyg_moleblend.training.folder import LAST
from pyg_moleblend.training.trainer import is_between_updates

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(Callback):
    r"""Ends a run that is interrupted (Ctrl-C, or SIGTERM of a batch system) with a checkpoint, to be resumed.

    It is written after the update that is being made, or after the epoch's validation, and the process ends with 128
    and the signal's number. A second signal ends it at once. Of several processes of a run none may stop alone, so
    there Lightning's own handlers stay.

    Args:
        out: Folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Takes over the signals, after Lightning."""
        if trainer.world_size == 1 and threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        r"""Saves and stops, if that is wanted and the run can go on from here."""
        if self.received is not None and is_between_updates(trainer, batch_idx):
            trainer.save_checkpoint(self.out / LAST)
            self.stop()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Stops, if that is wanted; the epoch before has been saved."""
        self.stop()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        r"""Gives the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def stop(self) -> None:
        r"""Raises ``SystemExit`` if a signal was received."""
        if self.received is not None:
            raise SystemExit(128 + self.received)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            self.stop()
        self.received = number
        print(f"{signal.Signals(number).name}: saving the run, to be resumed; again to stop at once", file=sys.stderr)
