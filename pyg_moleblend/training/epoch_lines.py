from __future__ import annotations

import time

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from rich.console import Console


class EpochLines(Callback):
    r"""Prints a line an epoch: its number, the time since the start, and what validation found.

    The progress bar shows the epoch that runs; these lines stay, also where the output is a file.
    """

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.start = 0.0

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Starts the clock."""
        self.start = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Prints the line; the epoch's validation has been by now."""
        if not trainer.is_global_zero:
            return
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        shown = [name for name in logged if name.startswith("valid/")] or ["train/loss_step"]
        values = "  ".join(f"{name.removeprefix('valid/')} {logged[name]:.4g}" for name in shown if name in logged)
        of = "" if trainer.max_epochs in (None, -1) else f"/{trainer.max_epochs}"
        seconds = time.monotonic() - self.start
        self.console.print(f"epoch {trainer.current_epoch + 1}{of}  {seconds:.0f} s  {values}", soft_wrap=True)
