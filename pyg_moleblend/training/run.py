r"""What both kinds of training do around Lightning's fit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import nn
from torch.distributed import is_torchelastic_launched
from torch_geometric.data import Data

from pyg_moleblend.models import MoleBlend
from pyg_moleblend.training.data import MoleculeDataModule
from pyg_moleblend.training.folder import check_folder, check_same_run, resume_point
from pyg_moleblend.training.module import TrainingModule
from pyg_moleblend.training.settings import Machine
from pyg_moleblend.training.stop import StopAfter, StopOnSignal
from pyg_moleblend.training.strategy import is_sharded, put_together
from pyg_moleblend.training.trainer import make_trainer, quiet_lightning

M = TypeVar("M", bound=nn.Module)

MODEL_FOLDER = "model"


# Not a NamedTuple, which cannot be generic before Python 3.11.
@dataclass(frozen=True)
class Run(Generic[M]):
    r"""A training that has ended.

    Attributes:
        model: The model, in evaluation mode, on the CPU.
        metrics: What ``metrics.json`` holds.
        folder: The folder of the run; ``folder / "model"`` is for ``from_pretrained``.
    """

    model: M
    metrics: dict[str, Any]
    folder: Path

    @property
    def model_folder(self) -> Path:
        r"""Where the model lies."""
        return self.folder / MODEL_FOLDER


class Fit(NamedTuple):
    r"""Lightning's trainer and data after the fit, for what comes then."""

    trainer: pl.Trainer
    data: MoleculeDataModule


def fit(
    module: TrainingModule,
    train: Sequence[Data] | Any,
    valid: Sequence[Data] | Any,
    out: Path,
    machine: Machine,
    monitor: str,
    mode: str,
    facts: Mapping[str, Any],
    patience: int | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
) -> Fit:
    r"""Trains a module.

    Args:
        module: What to train.
        train: Training molecules.
        valid: Validation molecules; may be none, and then ``monitor`` is not looked at.
        out: Folder of the run.
        machine: What to use of the machine.
        monitor: The logged value that tells the best checkpoint.
        mode: ``"min"`` or ``"max"``.
        facts: What the run's result depends on besides, as JSON: a run goes on with the same only.
        patience: Epochs without a better value before training stops.
        resume: Whether to go on from the folder's last checkpoint.
        callbacks: Callbacks that look on, before those that keep checkpoints.

    Raises:
        FileNotFoundError: If there is nothing to resume.
        ValueError: If a run that is not to be resumed is in the folder, its checkpoint is no good, it was begun with
            other things, or there is no training molecule.
    """
    facts = {**facts, "seed": module.seed, "schedule": asdict(module.schedule), "patience": patience}
    if patience is not None and patience < 1:
        raise ValueError(f"`patience` must be at least 1 epoch, got {patience}")
    if patience is not None and not len(valid):
        raise ValueError(f"`patience` needs validation molecules, got {patience} and none of them")
    if not len(train):
        raise ValueError("there is no training molecule")
    checkpoint = resume_point(out) if check_folder(out, resume) else None
    check_same_run(out, facts, resume)
    if machine.activation_checkpointing:
        cast(MoleBlend, module.model.encoder).activation_checkpointing = True
    if machine.compile:
        module.model.compile(dynamic=True)
    with quiet_lightning():
        data = MoleculeDataModule(train, valid, module.schedule, machine, module.seed)
        trainer = make_trainer(out, module.schedule, machine, monitor if len(valid) else None, mode, patience)
        _check_processes(trainer)
        whole = module.model
        # A checkpoint is data: nothing in it is to be run.
        stop = StopOnSignal(out)
        stops = [stop] if machine.max_minutes is None else [stop, StopAfter(out, machine.max_minutes)]
        cast(Any, trainer).callbacks[:0] = [*stops, *callbacks]
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        stop.stop()  # of a signal in the last epoch: resuming does the rest
        if is_sharded(module.model):
            put_together(module.model, whole)
            module.model = whole
    return Fit(trainer, data)


def _check_processes(trainer: pl.Trainer) -> None:
    started = int(os.environ.get("WORLD_SIZE", "1")) if is_torchelastic_launched() else trainer.world_size
    if started != trainer.world_size:
        raise ValueError(
            f"torchrun has started {started} processes, and the run is of {trainer.world_size}, so each would train on "
            f"its own: say devices={started} (--machine.devices {started})"
        )


def load_best(module: TrainingModule, checkpoint: Path) -> None:
    r"""Puts the weights of a Lightning checkpoint into a module's model."""
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    prefix = "model."
    state = {key[len(prefix) :]: v for key, v in content["state_dict"].items() if key.startswith(prefix)}
    module.model.load_state_dict(state)
