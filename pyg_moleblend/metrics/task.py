from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

import torch
from torch import Tensor

from pyg_moleblend.metrics.evaluator import METRICS, Evaluator, Score, TaskType
from pyg_moleblend.runtime.devices import widest
from pyg_moleblend.runtime.open_file import content_named

FEW = 5
r"""Of so many different whole numbers, classes may be meant, which is said."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    r"""What a model predicts: names and units of its targets, and how its outputs become values.

    It is saved beside a model, so that predictions have their names and units again.

    Args:
        kind: ``"classification"``, outputs being logits of labels 0 and 1, or ``"regression"``, outputs being
            standardised values.
        names: Names of the T targets.
        units: Their units; ``""`` where there is none or it is not known.
        mean: Mean of each target over the training labels, in its unit; 0 for classification.
        std: Standard deviation likewise; 1 for classification.

    Raises:
        ValueError: If the kind is neither, the lengths differ, two names are the same, or a mean or a
            standard deviation cannot be one.
    """

    kind: TaskType
    names: tuple[str, ...]
    units: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.kind not in get_args(TaskType):
            raise ValueError(f"`kind` must be one of {get_args(TaskType)}, got {self.kind!r}")
        lengths = {name: len(getattr(self, name)) for name in ("names", "units", "mean", "std")}
        if odd := [text for text in (*self.names, *self.units) if not isinstance(text, str)]:
            raise ValueError(f"names and units of targets must be texts, got {odd[0]!r}")
        if not self.names or len(set(lengths.values())) > 1:
            raise ValueError(f"a task needs a name, unit, mean and standard deviation for each target, got {lengths}")
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"targets must have different names, got {self.names}")
        if not all(0 < value < math.inf for value in self.std):
            raise ValueError(f"standard deviations must be positive, got {self.std}")
        if not all(map(math.isfinite, self.mean)):
            raise ValueError(f"means must be finite, got {self.mean}")

    @classmethod
    def from_labels(
        cls, labels: Tensor, names: Sequence[str], kind: TaskType | None = None, units: Sequence[str] | None = None
    ) -> Task:
        r"""The task of given training labels.

        Args:
            labels: ``[M, T]``, NaN where there is none; of the training molecules only.
            names: Names of the targets.
            kind: What they are; by default classification if every label is 0 or 1, and regression unless labels look
                like classes.
            units: Their units.

        Raises:
            ValueError: If a target has no label, a label is infinite, or those of a classification are not all 0 or 1.
        """
        if labels.dim() != 2 or labels.size(1) != len(names):
            raise ValueError(f"labels of {len(names)} targets must be [M, {len(names)}], got {list(labels.shape)}")
        labels = labels.double()
        _check_finite(labels, names, "training molecules")
        known = ~labels.isnan()
        if unlabelled := [name for name, some in zip(names, known.any(0).tolist(), strict=True) if not some]:
            raise ValueError(f"no training molecule has a label of {unlabelled}; leave these targets out")
        binary = bool(((labels == 0) | (labels == 1) | ~known).all())
        kind = kind or kind_of(labels, names)
        if kind == "classification" and not binary:
            raise ValueError(
                f"labels of a classification must be 0 or 1, got values from {labels[known].min():g} to "
                f"{labels[known].max():g}; say kind='regression' if they are values"
            )
        mean, std = [0.0] * len(names), [1.0] * len(names)
        if kind == "regression":
            count = known.sum(0)
            means = labels.nan_to_num(nan=0.0).sum(0) / count
            stds = (torch.where(known, labels - means, 0.0).square().sum(0) / count).sqrt()
            mean, std = means.tolist(), torch.where(stds > 0, stds, 1.0).tolist()  # a constant target stays 0
        return cls(kind, tuple(names), tuple(units or [""] * len(names)), tuple(mean), tuple(std))

    @property
    def num_targets(self) -> int:
        r"""T."""
        return len(self.names)

    @property
    def metrics(self) -> tuple[str, ...]:
        r"""The metrics that fit, the usual one first."""
        return tuple(name for name, metric in METRICS.items() if metric.task_type == self.kind)

    def check(self, labels: Tensor, whose: str) -> None:
        r"""Raises ``ValueError`` unless labels of other molecules can be scored.

        Args:
            labels: ``[M, T]``, NaN where there is none.
            whose: Whose they are, for the error: ``"test molecules"``.
        """
        _check_finite(labels, self.names, whose)
        if self.kind == "classification" and bool((odd := ~(labels.isnan() | (labels == 0) | (labels == 1))).any()):
            row, column = odd.nonzero()[0].tolist()
            raise ValueError(
                f"labels of a classification must be 0 or 1: {int(odd.sum())} of the {whose} have others, number {row} "
                f"of them {labels[row, column]:g} for {self.names[column]!r}; correct them, or say kind='regression'"
            )

    def rows(self, y: Tensor | None, count: int) -> Tensor:
        r"""The labels of a batch, a row a molecule.

        Args:
            y: As PyG collates it: ``[B, T]``, or ``[B * T]`` where each molecule's is flat, which would be broadcast
                against predictions ``[B, T]``; numbers of any type, NaN where there is no label.
            count: B.

        Returns:
            ``[B, T]``, floating point.

        Raises:
            ValueError: If there are no labels, or they are not T for each molecule.
        """
        T = self.num_targets
        if y is None:
            raise ValueError(f"the batch has no labels: give each `Data` a `y` of shape [1, {T}]")
        if y.shape != (count, T) and y.shape != (count * T,):
            raise ValueError(
                f"labels of {T} targets ({', '.join(self.names[:4])}{', ...' if T > 4 else ''}) of {count} molecules "
                f"must be [{count}, {T}], got {list(y.shape)}: give each `Data` a `y` of shape [1, {T}]"
            )
        y = y.view(count, T)
        return y if y.is_floating_point() else y.to(torch.get_default_dtype())

    def standardize(self, labels: Tensor) -> Tensor:
        r"""Labels ``[B, T]`` as the model is to predict them, in the labels' type; computed in float64."""
        exact = labels.to(widest(labels.device))
        return ((exact - exact.new_tensor(self.mean)) / exact.new_tensor(self.std)).to(labels.dtype)

    def restore(self, outputs: Tensor) -> Tensor:
        r"""Outputs ``[B, T]`` as probabilities, float32, or as values in the targets' units, float64: a total energy
        needs its digits."""
        if self.kind == "classification":
            return outputs.float().sigmoid()
        outputs = outputs.to(widest(outputs.device))
        return outputs * outputs.new_tensor(self.std) + outputs.new_tensor(self.mean)

    def restore_deviation(self, std: Tensor) -> Tensor:
        r"""Standard deviations ``[B, T]`` of standardised values in the targets' units, float64."""
        std = std.to(widest(std.device))
        return std * std.new_tensor(self.std)

    def to_dict(self) -> dict[str, Any]:
        r"""The task as JSON values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Task:
        r"""The inverse of :meth:`to_dict`.

        Raises:
            ValueError: If the values are not those of a task.
        """
        wanted = [field.name for field in fields(cls)]
        if not isinstance(values, Mapping) or set(values) != set(wanted):
            raise ValueError(f"a saved task must have the keys {wanted}, got {values!r}")
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        with content_named("a saved task"):
            return cls(**plain)


def _check_finite(labels: Tensor, names: Sequence[str], whose: str) -> None:
    if bool((infinite := labels.isinf()).any()):
        row, column = infinite.nonzero()[0].tolist()
        raise ValueError(
            f"labels must be finite, or NaN where there is none: {int(infinite.sum())} of the {whose} are not, number "
            f"{row} of them has an infinite {names[column]!r}; correct it, or leave the cell empty"
        )


def kind_of(labels: Tensor, names: Sequence[str]) -> TaskType:
    r"""What labels ``[M, T]`` are: classification if every one is 0 or 1, else regression.

    Raises:
        ValueError: If some targets hold two whole numbers only, as classes do, and it is no classification.
    """
    if bool(((labels == 0) | (labels == 1) | labels.isnan()).all()):
        return "classification"
    classes = {}
    for name, column in zip(names, labels.T, strict=True):
        values = column[~column.isnan()]
        distinct = values.unique()
        if len(values) == len(distinct) or bool((distinct != distinct.round()).any()):
            continue
        if len(distinct) == 2:
            classes[name] = distinct.tolist()
        elif 2 < len(distinct) <= FEW:
            shown = ", ".join(f"{value:g}" for value in distinct.tolist())
            _log.warning("target %r holds %s only: taken for values, not for classes", name, shown)
    if classes:
        shown = "; ".join(
            f"{name!r} holds {low:g} and {high:g} only" for name, (low, high) in list(classes.items())[:3]
        )
        raise ValueError(
            f"it is not clear whether targets are values or classes: {shown}; write classes as 0 and 1, in every "
            "target, or say kind='regression' if all of them are values"
        )
    return "regression"


def scores(task: Task, labels: Tensor, predictions: Tensor, metrics: Sequence[str] | None = None) -> dict[str, Score]:
    r"""Metrics that fit a task.

    Args:
        task: The task.
        labels: ``[M, T]``, NaN where there is none.
        predictions: ``[M, T]``, probabilities or values in the targets' units.
        metrics: Which ones; all by default.
    """
    labels, predictions = labels.to(torch.float64), predictions.to(torch.float64)
    wanted = task.metrics if metrics is None else metrics
    return {name: Evaluator(name)(y_true=labels, y_pred=predictions) for name in wanted}
