r"""Support vector regression and classification on a kernel matrix, their strength chosen over folds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, SVR

from pyg_moleblend.metrics import TaskType

Matrix = NDArray[np.float64]

STRENGTHS = (1.0, 3.0, 10.0)
r"""Values of C that are tried."""

TUBE = 0.1
r"""Standard deviations of the target within which an error costs a regression nothing."""


class KernelFit(NamedTuple):
    r"""A function that is a sum of kernels: :math:`f(x) = \sum_r c_r K(x, r) + b`.

    Attributes:
        coefficients: c, of the M training rows, ``[M]``.
        bias: b.
        out_of_fold: f at each training row by the fit that has not seen the row's fold, ``[M]``.
        setting: Of the settings that were tried, the one with the least error over the folds.
    """

    coefficients: Matrix
    bias: float
    out_of_fold: Matrix
    setting: float


def fit_support_vectors(kernel: Matrix, targets: Matrix, folds: NDArray[np.int64], kind: TaskType) -> KernelFit:
    r"""Fits support vectors; of :data:`STRENGTHS` that one with the least error over the folds.

    The error of a classification is the mean hinge, not a ranking: it is smooth, and a rare class does not make it
    noise.

    Args:
        kernel: ``[M, M]``.
        targets: Standardised values, or −1 and 1, ``[M]``.
        folds: Fold of each row, ``[M]``.
        kind: Of the task.
    """
    found = [_over_folds(kernel, targets, folds, kind, strength) for strength in STRENGTHS]
    best = int(np.argmin([_error(targets, predicted, kind) for predicted in found]))
    coefficients, bias = _fit(kernel, targets, kind, STRENGTHS[best])
    return KernelFit(coefficients, bias, found[best], STRENGTHS[best])


def _over_folds(kernel: Matrix, targets: Matrix, folds: NDArray[np.int64], kind: TaskType, strength: float) -> Matrix:
    predicted = np.empty_like(targets)
    for fold in np.unique(folds):
        seen, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        coefficients, bias = _fit(kernel[np.ix_(seen, seen)], targets[seen], kind, strength)
        predicted[held] = kernel[np.ix_(held, seen)] @ coefficients + bias
    return predicted


def _fit(kernel: Matrix, targets: Matrix, kind: TaskType, strength: float) -> tuple[Matrix, float]:
    coefficients = np.zeros(len(targets))
    if kind == "classification" and len(np.unique(targets)) == 1:  # a fold may have seen but one class
        return coefficients, float(targets[0])
    machine: Any = (
        SVC(kernel="precomputed", C=strength)
        if kind == "classification"
        else SVR(kernel="precomputed", C=strength, epsilon=TUBE)
    )
    machine.fit(kernel, targets)
    coefficients[machine.support_] = machine.dual_coef_[0]
    return coefficients, float(machine.intercept_[0])


def _error(targets: Matrix, predicted: Matrix, kind: TaskType) -> float:
    if kind == "classification":
        return float(np.maximum(1 - targets * predicted, 0).mean())
    return float(np.square(targets - predicted).mean())
