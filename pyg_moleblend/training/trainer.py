from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
)
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from pyg_moleblend.training.epoch_lines import EpochLines
from pyg_moleblend.training.settings import Machine, Schedule
from pyg_moleblend.training.strategy import make_strategy

LAST = "checkpoints/last.ckpt"
BEST = "checkpoints/best.ckpt"

_IRRELEVANT = (
    ".*does not have many workers.*",  # collating is cheap: the models derive relations on their device
    ".*is smaller than the logging interval.*",
    ".*your dataloader is not resumable.*",  # ours goes on within an epoch: MoleculeDataModule
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*GPU available but not used.*",
    ".*srun.*command is available.*",
    ".*module\\(s\\) in eval mode at the start of training.*",
    ".*recommended to use `self.log.*sync_dist=True.*",  # what is logged was put together before: Tally
    ".*WeightAveraging callback with a model that overrides the configure_model.*",  # which shares out under FSDP alone
    ".*could not find the monitored key.*",  # a run that was resumed at the very end of an epoch
    "Grad strides do not match bucket view strides[^[]*\\[1, ",  # of a weight with an axis of length 1: the same memory
    ".*LeafSpec.*is deprecated.*",
    ".*torch.jit.script.*is deprecated.*",
)


class WholeUpdates(ModelCheckpoint):
    r"""Saves between updates only: the gradient of the batches of a begun one is in no checkpoint."""

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        r"""Saves when it is time."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches == 0:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    r"""Keeps Lightning from saying what is of no use here; its other warnings come through."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _IRRELEVANT:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(level)


def make_trainer(
    out: Path, schedule: Schedule, machine: Machine, monitor: str | None, mode: str, patience: int | None = None
) -> pl.Trainer:
    r"""Lightning's trainer as both kinds of training want it.

    Args:
        out: Folder of the run; gets ``checkpoints/`` (``last.ckpt``, and ``best.ckpt`` by ``monitor``), ``csv/``
            and ``tensorboard/``.
        schedule: How long to train.
        machine: What to use of the machine.
        monitor: The logged value that tells the best checkpoint; none without validation molecules.
        mode: ``"min"`` or ``"max"``.
        patience: Epochs without a better value before training stops; no early stopping by default.

    Raises:
        ValueError: If the machine does not have what is to be used.
    """
    folder, name = (out / LAST).parent, Path(LAST).stem
    callbacks: list[Callback] = [LearningRateMonitor("step")]
    if machine.progress:
        callbacks.append(EpochLines())
    if schedule.ema_decay is not None:
        if machine.strategy == "fsdp":
            raise ValueError(
                "`ema_decay` cannot be used with FSDP, whose weights are in parts; leave it out, or use DDP"
            )
        # Buffers are what objectives have fitted, not to be averaged.
        callbacks.append(EMAWeightAveraging(decay=schedule.ema_decay, use_buffers=False))
    if monitor is not None:
        best = Path(BEST).stem
        callbacks.append(
            ModelCheckpoint(
                folder, best, monitor=monitor, mode=mode, auto_insert_metric_name=False, enable_version_counter=False
            )
        )
        if patience is not None:
            callbacks.append(EarlyStopping(monitor, mode=mode, patience=patience, check_finite=False))
    # The last checkpoint comes after the others, so that it holds what they have seen of the epoch.
    callbacks += [
        WholeUpdates(folder, name, enable_version_counter=False, **_interval(machine)),
        ModelCheckpoint(folder, name, save_on_train_epoch_end=True, enable_version_counter=False),
    ]
    try:
        return _trainer(out, schedule, machine, callbacks, validate=monitor is not None)
    except (MisconfigurationException, ModuleNotFoundError) as error:  # such as a GPU that is not there
        raise ValueError(f"Lightning cannot use {machine}: {error}") from error


def _interval(machine: Machine) -> dict[str, Any]:
    if machine.checkpoint_steps is not None:
        return {"every_n_train_steps": machine.checkpoint_steps}
    return {"train_time_interval": timedelta(minutes=machine.checkpoint_minutes)}


def _trainer(out: Path, schedule: Schedule, machine: Machine, callbacks: list[Callback], validate: bool) -> pl.Trainer:
    return pl.Trainer(
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.num_nodes,
        strategy=make_strategy(machine),
        precision=machine.precision,  # type: ignore[arg-type]
        logger=[CSVLogger(out, name="csv"), TensorBoardLogger(out, name="tensorboard")],
        callbacks=callbacks,
        max_epochs=-1 if schedule.steps is not None else schedule.epochs,
        max_steps=-1 if schedule.steps is None else schedule.steps,
        accumulate_grad_batches=schedule.accumulate,
        gradient_clip_val=schedule.clip_norm,
        log_every_n_steps=10,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if validate else 0,
        enable_progress_bar=machine.progress,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def check_folder(out: Path, resume: bool) -> Path | None:
    r"""The checkpoint to resume from, if that is wanted.

    Raises:
        FileNotFoundError: If there is nothing to resume.
        ValueError: If a run that is not to be resumed is in the folder.
    """
    last = out / LAST
    if resume and not last.is_file():
        raise FileNotFoundError(f"there is no run to resume: no {last}; start it without resume")
    if not resume and last.is_file():
        raise ValueError(f"{out} holds a run already; pass resume (--resume) to go on with it, or another folder")
    return last if resume else None
