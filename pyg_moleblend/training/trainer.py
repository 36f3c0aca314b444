from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
)
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException, SIGTERMException

from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.training.epoch_lines import EpochLines
from pyg_moleblend.training.folder import BEST, LAST
from pyg_moleblend.training.settings import Machine, Schedule
from pyg_moleblend.training.strategy import is_alone, make_strategy

_IRRELEVANT = (
    ".*does not have many workers.*",  # collating is cheap: the models derive relations on their device
    ".*is smaller than the logging interval.*",
    ".*your dataloader is not resumable.*",  # ours goes on within an epoch: MoleculeDataModule
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*GPU available but not used.*",
    ".*srun.*command is available.*",
    ".*module\\(s\\) in eval mode at the start of training.*",
    ".*recommended to use `self.log.*sync_dist=True.*",  # what is logged was put together before: Tally
    ".*You have overridden `transfer_batch_to_device`.*",  # for the data module's batches
    ".*WeightAveraging callback with a model that overrides the configure_model.*",  # which shares out under FSDP alone
    ".*callbacks used to create the checkpoint need to be provided.*",  # it is saved at other intervals now
    ".*could not find the monitored key.*",  # a run that was resumed at the very end of an epoch
    "Grad strides do not match bucket view strides[^[]*\\[1, ",  # of a weight with an axis of length 1: the same memory
    ".*LeafSpec.*is deprecated.*",
    ".*torch.jit.script.*is deprecated.*",
)


class AtomicCheckpoints(TorchCheckpointIO):
    r"""Checkpoints that are whole or not there, and forced to disk: Lightning's own may be empty after a full disk."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        r"""Writes a checkpoint."""
        with atomic_write(os.fspath(path)) as file:
            torch.save(checkpoint, file)


class Kept(ModelCheckpoint):
    r"""Knows its checkpoints again where the folder of the run was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        r"""Takes over what an earlier process has kept, all of it being in the folder that it is in now."""
        state = {**state_dict, "dirpath": self.dirpath}
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[key] = self._here(state[key])
        state["best_k_models"] = {self._here(path): score for path, score in state["best_k_models"].items()}
        super().load_state_dict(state)

    def _here(self, path: str) -> str:
        return os.path.join(str(self.dirpath), os.path.basename(path)) if path else path


class WholeUpdates(Kept):
    r"""Saves between updates only: the gradient of the batches of a begun one is in no checkpoint.

    Nor does it save after the last batch of an epoch, whose validation a resumed run would not do.
    """

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        r"""Saves when it is time."""
        if is_between_updates(trainer, batch_idx):
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


def is_between_updates(trainer: pl.Trainer, batch_idx: int) -> bool:
    r"""Whether a run that is saved after this batch goes on as if it had not been interrupted."""
    is_last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
    return (batch_idx + 1) % trainer.accumulate_grad_batches == 0 and not is_last


@contextmanager
def quiet_lightning() -> Iterator[None]:
    r"""Keeps Lightning from saying what is of no use here; its other warnings come through.

    Where a signal ends its loops, the exit code is 128 and the signal's number; Lightning's own are 1 and 0.
    """
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in _IRRELEVANT:
                warnings.filterwarnings("ignore", message=message)
            yield
    except SIGTERMException as stop:
        raise SystemExit(128 + signal.SIGTERM) from stop
    except SystemExit as stop:
        raise SystemExit(128 + signal.SIGINT) if isinstance(stop.__context__, KeyboardInterrupt) else stop from None
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
            Kept(folder, best, monitor=monitor, mode=mode, auto_insert_metric_name=False, enable_version_counter=False)
        )
        if patience is not None:
            callbacks.append(EarlyStopping(monitor, mode=mode, patience=patience, check_finite=False))
    # The last checkpoint comes after the others, so that it holds what they have seen of the epoch.
    callbacks += [
        WholeUpdates(folder, name, enable_version_counter=False, **_interval(machine)),
        Kept(folder, name, save_on_train_epoch_end=True, enable_version_counter=False),
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
        # Of one process, whatever the variables of a cluster say that the shell was started by.
        plugins=[AtomicCheckpoints(), *([LightningEnvironment()] if is_alone(machine) else [])],
    )
