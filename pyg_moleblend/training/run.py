r"""What both kinds of training do around Lightning's fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Generic, NamedTuple, TypeVar, cast

import lightning.pytorch as pl
import torch
from torch import nn
from torch_geometric.data import Data

from pyg_moleblend.models import MoleBlend
from pyg_moleblend.training.data import MoleculeDataModule
from pyg_moleblend.training.module import TrainingModule
from pyg_moleblend.training.settings import Machine
from pyg_moleblend.training.strategy import is_sharded, put_together
from pyg_moleblend.training.trainer import check_folder, make_trainer, quiet_lightning

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
    patience: int | None = None,
    resume: bool = False,
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
        patience: Epochs without a better value before training stops.
        resume: Whether to go on from the folder's last checkpoint.

    Raises:
        FileNotFoundError: If there is nothing to resume.
        ValueError: If a run that is not to be resumed is in the folder, its checkpoint is no good, or there is no
            training molecule.
    """
    if patience is not None and patience < 1:
        raise ValueError(f"`patience` must be at least 1 epoch, got {patience}")
    if patience is not None and not len(valid):
        raise ValueError(f"`patience` needs validation molecules, got {patience} and none of them")
    checkpoint = check_folder(out, resume)
    if checkpoint is not None:
        check_checkpoint(checkpoint)
    if not len(train):
        raise ValueError("there is no training molecule")
    if machine.activation_checkpointing:
        cast(MoleBlend, module.model.encoder).activation_checkpointing = True
    if machine.compile:
        module.model.compile(dynamic=True)
    if checkpoint is not None:
        _check_fits(module, checkpoint)
    with quiet_lightning():
        data = MoleculeDataModule(train, valid, module.schedule, machine, module.seed)
        trainer = make_trainer(out, module.schedule, machine, monitor if len(valid) else None, mode, patience)
        whole = module.model
        # A checkpoint is data: nothing in it is to be run.
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        if is_sharded(module.model):
            put_together(module.model, whole)
            module.model = whole
    return Fit(trainer, data)


def check_checkpoint(path: Path) -> None:
    r"""Raises ``ValueError`` unless a Lightning checkpoint can be read without running code from it."""
    try:
        content = torch.load(path, map_location="meta", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"the checkpoint {path} is damaged, or holds more than data: {reason}") from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise ValueError(f"{path} is no checkpoint of Lightning: it has no state_dict")


def _check_fits(module: TrainingModule, checkpoint: Path) -> None:
    kept = {name: value.shape for name, value in torch.load(checkpoint, weights_only=True)["state_dict"].items()}
    wanted = {name: value.shape for name, value in module.state_dict().items()}
    if differing := sorted(name for name in {*kept, *wanted} if kept.get(name) != wanted.get(name)):
        raise ValueError(
            f"{checkpoint} is of a run with another model: {len(differing)} weights differ, {differing[0]} for one; "
            "resume with the configuration of the run, or start another in another folder"
        )


def load_best(module: TrainingModule, checkpoint: Path) -> None:
    r"""Puts the weights of a Lightning checkpoint into a module's model."""
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    prefix = "model."
    state = {key[len(prefix) :]: v for key, v in content["state_dict"].items() if key.startswith(prefix)}
    module.model.load_state_dict(state)
