r"""What the estimators that fine-tune have in common."""

from __future__ import annotations

import copy
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities.seed import isolate_rng
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import nn

from pyg_moleblend.checkpoints import read_metadata
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.estimators.rows import Computed, compute_rows, labelled_molecules, rows_of
from pyg_moleblend.inference.loaded_model import LoadedModel, conformer_settings
from pyg_moleblend.metrics import TaskType
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.models import MoleBlendConfig
from pyg_moleblend.nn import Criterion
from pyg_moleblend.splits import Split
from pyg_moleblend.training import Machine, Schedule, finetune, load_encoder
from pyg_moleblend.training.settings import ENCODER, FINE_TUNING, PATIENCE
from pyg_moleblend.utils import Modality
from pyg_moleblend.utils.molecules import check_modality

DEFAULTS: dict[str, Any] = {
    "schedule": FINE_TUNING,
    "machine": Machine(devices=1, progress=False),
}
r"""What stands for ``None``: a schedule for some hundred to some thousand labels, and one silent device."""


class FineTuned(BaseEstimator):
    r"""Fine-tunes an encoder to labels, and predicts."""

    def __init__(
        self,
        encoder: str | Path | nn.Module | MoleBlendConfig | None = ENCODER,
        modality: Modality = "2d",
        validation_fraction: float = 0.1,
        patience: int | None = PATIENCE,
        schedule: Schedule | None = None,
        machine: Machine | None = None,
        seed: int = 0,
        criterion: Criterion | None = None,
    ) -> None:
        self.encoder = encoder
        self.modality = modality
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.schedule = schedule
        self.machine = machine
        self.seed = seed
        self.criterion = criterion

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        r"""The arguments by name; with ``deep`` those of schedule and machine too, as ``schedule__epochs``."""
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep:
            for name, default in DEFAULTS.items():
                value = default if getattr(self, name) is None else getattr(self, name)
                if is_dataclass(value) and not isinstance(value, type):  # what is none is refused when it is used
                    params.update({f"{name}__{inner}": found for inner, found in asdict(value).items()})
        return params

    def set_params(self, **params: Any) -> Any:
        r"""Sets arguments; ``schedule__epochs=5`` changes one of the schedule's, which is made anew.

        Raises:
            ValueError: If there is no such argument, or a value is out of its range.
        """
        inner = {key for key in params if key.partition("__")[0] in DEFAULTS and "__" in key}
        super().set_params(**{key: value for key, value in params.items() if key not in inner})
        if unknown := sorted(inner - set(self.get_params())):
            raise ValueError(f"there are no arguments {unknown}; there are {sorted(self.get_params())}")
        for name, default in DEFAULTS.items():
            changes = {key.partition("__")[2]: params[key] for key in inner if key.startswith(f"{name}__")}
            if changes:
                current = getattr(self, name)
                setattr(self, name, replace(default if current is None else current, **changes))
        return self

    def _finetune(self, X: Any, labels: NDArray[np.float64], kind: TaskType) -> None:
        r"""Trains on labels ``[M, T]``, NaN where there is none, and keeps the model."""
        rows = rows_of(X)
        check_consistent_length(rows, labels)
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(f"`validation_fraction` must lie in [0, 1), got {self.validation_fraction}")
        modality, recipe = check_modality(self.modality), Recipe()
        schedule, machine = _schedule(self.schedule), _one_device(self.machine)
        encoder: Any = MoleBlendConfig() if self.encoder is None else self.encoder
        if isinstance(encoder, (str, Path)):
            recipe = Recipe.from_metadata(read_metadata(encoder)) or recipe
        molecules = labelled_molecules(rows, labels, recipe, modality, self.seed)
        with TemporaryDirectory(prefix="moleblend-") as folder, isolate_rng():
            run = finetune(
                molecules,
                held_out(labels, self.validation_fraction, self.seed),
                folder,
                load_encoder(encoder) if isinstance(encoder, (str, Path)) else encoder,
                kind=kind,
                modality=modality,
                schedule=schedule,
                machine=machine,
                patience=self.patience,
                seed=self.seed,
                criterion=copy.deepcopy(self.criterion),
            )
            metadata = read_metadata(run.model_folder)
        self.model_ = run.model
        self.metadata_ = metadata
        self.metrics_ = run.metrics
        self.n_features_in_ = 1

    def _outputs(self, X: Any) -> Computed:
        r"""Probabilities, or values in the targets' units, ``[M, T]`` float64, NaN for what is no molecule."""
        check_is_fitted(self)
        rows = rows_of(X)
        task, recipe = Task.from_dict(self.metadata_["task"]), Recipe.from_metadata(self.metadata_)
        model, modality = self.model_, self.metadata_["modality"]
        loaded = LoadedModel(
            lambda batch: task.restore(model(batch, modality)),
            task.names,
            torch.float64,
            [model],
            recipe,
            modality,
            conformer_settings(1, None, recipe),
            False,
            _schedule(self.schedule).batch_size,
            "cpu" if _one_device(self.machine).accelerator == "cpu" else "auto",
        )
        return compute_rows(loaded, model, rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.multi_output = True
        return tags


def held_out(labels: NDArray[np.float64], fraction: float, seed: int) -> Split:
    r"""A split into training and validation molecules; the latter all have a label.

    One target's labels are sorted and cut into pieces, each of which gives a molecule, so that both parts have the same
    share of each class, or the same range of values; with several targets the molecules are drawn at random.

    Args:
        labels: ``[M, T]``, NaN where there is none.
        fraction: Share of the labelled molecules that is for validation, rounded down.
        seed: Of the draw.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(np.flatnonzero(~np.isnan(labels).all(1)))
    if labels.shape[1] == 1:
        order = order[np.argsort(labels[order, 0], kind="stable")]
    count = int(fraction * len(order))
    valid = np.array([generator.choice(part) for part in np.array_split(order, count)] if count else [], dtype=np.int64)
    train = np.setdiff1d(np.arange(len(labels)), valid)
    nobody = torch.empty(0, dtype=torch.long)
    return Split(f"validation {fraction:g} seed {seed}", torch.from_numpy(train), torch.from_numpy(valid), nobody)


def _schedule(schedule: Schedule | None) -> Schedule:
    schedule = DEFAULTS["schedule"] if schedule is None else schedule
    if not isinstance(schedule, Schedule):
        raise ValueError(f"`schedule` must be a Schedule, got {schedule!r}")
    return schedule


def _one_device(machine: Machine | None) -> Machine:
    machine = DEFAULTS["machine"] if machine is None else machine
    if not isinstance(machine, Machine):
        raise ValueError(f"`machine` must be a Machine, got {machine!r}")
    if machine.devices not in (1, "1", "auto") or machine.num_nodes != 1:
        raise ValueError(
            f"an estimator is fitted on one device, got devices={machine.devices!r} and num_nodes={machine.num_nodes}; "
            "pass devices=1, or use `finetune`"
        )
    return replace(machine, devices=1)
