r"""The score of one task, metric by metric: scikit-learn's, and when each is defined."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)

TaskType = Literal["classification", "regression"]
Values = NDArray[np.float64]


class Metric(NamedTuple):
    r"""How one task is scored.

    Attributes:
        name: OGB's name of the metric where it has one.
        score: ``(y_true [M], y_pred [M]) -> float`` over labelled entries.
        is_defined: Whether the labels ``[M]`` of a task allow the metric; a task that does not is not scored.
        higher_is_better: The direction, for early stopping and tables.
        task_type: What the labels are.
    """

    name: str
    score: Callable[[Values, Values], float]
    is_defined: Callable[[Values], bool]
    higher_is_better: bool
    task_type: TaskType


def has_both_classes(labels: Values) -> bool:
    r"""Ranking metrics need a positive and a negative; OGB skips a task without."""
    return bool((labels == 1).any() and (labels == 0).any())


def has_labels(labels: Values) -> bool:
    r"""An error needs one label."""
    return len(labels) > 0


def varies(labels: Values) -> bool:
    r"""A share of explained variance needs some variance."""
    return len(labels) > 1 and bool((labels != labels[0]).any())


def _rmse(y_true: Values, y_pred: Values) -> float:
    return float(np.sqrt(mean_squared_error(y_true, y_pred)))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("rocauc", roc_auc_score, has_both_classes, True, "classification"),
        Metric("ap", average_precision_score, has_both_classes, True, "classification"),
        Metric("rmse", _rmse, has_labels, False, "regression"),
        Metric("mae", mean_absolute_error, has_labels, False, "regression"),
        Metric("r2", r2_score, varies, True, "regression"),
    )
}
r"""Every metric by its name."""
