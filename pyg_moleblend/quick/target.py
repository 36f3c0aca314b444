r"""The labelled rows of one target, its labels on the scale that the fits work on, and what counts as an error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.metrics import METRICS, TaskType
from pyg_moleblend.quick.folds import Groups

Matrix = NDArray[np.float64]


class Target(NamedTuple):
    r"""One target of M molecules, m of which have a label.

    Attributes:
        kind: What the labels are.
        rows: The molecules with a label, ascending, ``[m]``.
        labelled: Those of the R reference molecules that have one, ascending, at most ``[m]``.
        values: Standardised labels, or −1 and 1, ``[m]``.
        folds: Fold of each, ``[m]``.
        mean: Of the labels, in their unit; 0 for a classification.
        std: Likewise; 1 for a classification, or where the labels are all the same.
    """

    kind: TaskType
    rows: NDArray[np.int64]
    labelled: NDArray[np.int64]
    values: Matrix
    folds: NDArray[np.int64]
    mean: float
    std: float

    @classmethod
    def of(cls, labels: Matrix, kind: TaskType, groups: Groups, reference: NDArray[np.int64], seed: int) -> Target:
        r"""The target of some labels.

        Args:
            labels: ``[M]``, NaN where there is none.
            kind: What they are.
            groups: Of the molecules; the folds are those of the rows with a label, so that each has some of them.
            reference: Which of the molecules the reference molecules are, ``[R]``.
            seed: Of the folds.
        """
        rows = np.flatnonzero(~np.isnan(labels))
        mean, std = 0.0, 1.0
        if kind == "regression":
            mean, std = float(labels[rows].mean()), float(labels[rows].std()) or 1.0
        values = np.where(labels[rows] > 0, 1.0, -1.0) if kind == "classification" else (labels[rows] - mean) / std
        labelled = np.flatnonzero(~np.isnan(labels[reference]))
        return cls(kind, rows, labelled, values, groups.take(rows).folds(seed), mean, std)

    @property
    def metric(self) -> str:
        r"""What the target is judged by."""
        return "rocauc" if self.kind == "classification" else "rmse"

    def error(self, values: Matrix, predicted: Matrix) -> float:
        r"""What is to be small: RMSE in the target's unit, or what the ROC-AUC lacks to 1.

        Args:
            values: As :attr:`values`, of any of the rows.
            predicted: Predictions of them on the same scale, or anything of their order for a classification.
        """
        metric = METRICS[self.metric]
        if self.kind == "regression":
            return metric.score(values, predicted) * self.std
        classes = (values > 0).astype(np.float64)
        return 1 - metric.score(classes, predicted) if metric.is_defined(classes) else 0.5

    def score(self, error: float) -> float:
        r"""The metric's own number of an error, for a report."""
        return round(1 - error if self.kind == "classification" else error, 6)
