from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.datasets.targets import (
    Bounds,
    Labelled,
    bounds_of,
    content_of,
    has_coordinates,
    labels_of,
    select_targets,
    take,
)
from pyg_moleblend.metrics import METRICS, Evaluator, TaskType
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.splits import Split
from pyg_moleblend.utils import Modality

_WORDS = {"valid": "validation", "test": "test"}

_log = logging.getLogger(__name__)


class Problem(NamedTuple):
    r"""What is to be learnt, checked before anything is trained.

    Attributes:
        split: Which molecules are for training, for choosing, and for the test.
        labelled: All molecules, with the targets that were asked for.
        parts: The molecules of each part.
        labels: The labels of each part, ``[M, T]``, NaN where there is none or a bound.
        bounds: The labels of all molecules that are bounds.
        task: The task.
        metric: What chooses the best epoch, or ``"loss"``.
        modality: Which inputs are used.
    """

    split: Split
    labelled: Labelled
    parts: dict[str, Any]
    labels: dict[str, Tensor]
    bounds: Bounds
    task: Task
    metric: str
    modality: Modality

    @property
    def mode(self) -> str:
        r"""Whether the metric is to be low (``"min"``) or high (``"max"``)."""
        return Evaluator(self.metric).mode if self.metric in self.task.metrics else "min"

    def facts(self) -> dict[str, Any]:
        r"""What tells the problem from others, as JSON."""
        return {
            "targets": self.task.names,
            "kind": self.task.kind,
            "metric": self.metric,
            "modality": self.modality,
            "split": {"name": self.split.name, "hash": self.split.hash},
            "molecules": {part: content_of(held) for part, held in self.parts.items()},
            "labels": {part: digest(values) for part, values in self.labels.items()},
            **(
                {"bounds": digest(torch.cat([self.bounds.values, self.bounds.side.double()]))}
                if self.bounds.total
                else {}
            ),
        }


def pose(
    molecules: Sequence[Data] | Any,
    split: Split,
    targets: Sequence[str] | None = None,
    kind: TaskType | None = None,
    metric: str | None = None,
    modality: Modality = "2d+3d",
) -> Problem:
    r"""The problem of some labelled molecules; the arguments are those of
    :func:`~pyg_moleblend.training.finetune`.

    Raises:
        ValueError: If targets, metric, labels and split do not fit each other.
    """
    labelled = select_targets(molecules, targets)
    check_split(split, len(molecules))
    bounds = bounds_of(labelled)
    labels = {part: labels_of(labelled, positions) for part, positions in split.as_dict().items()}
    try:
        task = Task.from_labels(labels["train"], labelled.names, kind, labelled.units)
    except ValueError as error:
        if not bounds.total:
            raise
        raise ValueError(f"{error} ({bounds.total} labels are bounds, which are no values)") from error
    if bounds.total and task.kind == "classification":
        raise ValueError(
            f"{bounds.total} labels are bounds, which classes cannot have: correct them, or empty the cells"
        )
    for part in ("valid", "test"):  # now, not when they are scored after hours
        task.check(labels[part], f"{_WORDS[part]} molecules")
    if metric is not None and metric not in task.metrics:
        raise ValueError(f"`metric` must be one of {task.metrics} for {task.kind}, got {metric!r}")
    metric = choosing_metric(task, metric, labels["valid"])
    parts = {part: take(labelled.molecules, positions) for part, positions in split.as_dict().items()}
    if modality == "2d+3d" and not has_coordinates(parts["train"]):
        modality = "2d"  # what it comes to, and what predictions are to keep to
    return Problem(split, labelled, parts, labels, bounds, task, metric, modality)


def kind_of_targets(molecules: Sequence[Data] | Any, targets: Sequence[str] | None = None) -> TaskType:
    r"""What the labels of all molecules are, as :func:`pose` would say of a training part that holds them all."""
    labelled = select_targets(molecules, targets)
    return Task.from_labels(labels_of(labelled, torch.arange(len(molecules))), labelled.names).kind


def digest(labels: Tensor) -> str:
    r"""What tells numbers from others, NaN being one of them."""
    known = ~labels.isnan()  # not every NaN has the same bytes
    return hashlib.sha256(known.numpy().tobytes() + labels[known].double().numpy().tobytes()).hexdigest()[:16]


def check_split(split: Split, count: int) -> None:
    r"""Raises ``ValueError`` unless a split is of so many molecules, and has some to train on."""
    if not len(split.train):
        raise ValueError(
            f"the split {split} has no training molecule: take another kind of split, or more molecules (a scaffold "
            "split keeps all molecules of a scaffold together, and few molecules may have one)"
        )
    largest = max(int(part.max()) for part in split.as_dict().values() if len(part))
    if largest >= count:
        raise ValueError(f"the split {split} is of at least {largest + 1} molecules, got {count}")


def choosing_metric(task: Task, metric: str | None, labels: Tensor) -> str:
    r"""What chooses the best epoch: never what is NaN in every one.

    Args:
        task: The task.
        metric: The metric that is wanted; the usual one by default.
        labels: Of the validation molecules, ``[M, T]``.

    Returns:
        The metric, or ``"loss"`` where the usual one is not defined for these labels, which the log says.

    Raises:
        ValueError: If the metric that is wanted is not defined for them, or there is no label.
    """
    name = metric or task.metrics[0]
    if not len(labels):
        return name
    columns = [column[~column.isnan()].double().numpy() for column in labels.T]
    if not any(len(column) for column in columns):
        raise ValueError(
            "no validation molecule has a label that is no bound, so no epoch can be chosen: split otherwise"
        )
    if any(METRICS[name].is_defined(column) for column in columns):
        return name
    reason = f"{name} is not defined for the labels of the {len(labels)} validation molecules"
    if metric is not None:
        others = [other for other in task.metrics if any(METRICS[other].is_defined(column) for column in columns)]
        remedy = f"choose by another metric ({', '.join(others)}), or split otherwise" if others else "split otherwise"
        raise ValueError(f"{reason}, so it cannot choose the best epoch: {remedy}")
    _log.warning("%s (all are of one class, say): the epoch with the lowest validation loss is chosen instead", reason)
    return "loss"
