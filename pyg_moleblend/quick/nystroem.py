r"""Kernel ridge regression for more rows than a kernel matrix can have: sums of kernels on landmarks alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from pyg_moleblend.quick.support_vectors import KernelFit

Matrix = NDArray[np.float64]

NOISES = (0.03, 0.1, 0.3, 1.0, 3.0)
r"""Strengths of the ridge that are tried."""

JITTER = 1e-6
ROWS_AT_ONCE = 4096


def fit_nystroem(
    landmarks: Matrix, design: NDArray[np.float32], targets: Matrix, folds: NDArray[np.int64]
) -> KernelFit:
    r"""The sum of R landmarks' kernels that is next to the targets of M rows.

    It minimises :math:`|y - K_{MR} c|^2 + \lambda c^\top K_{RR} c` (Nyström's method; as the subset of regressors in
    Rasmussen and Williams 2006, chapter 8.3.1). Sums of each fold's products give the error over the folds for every
    :math:`\lambda` from one pass over the rows, in memory that does not grow with M but for the kernel itself.

    Args:
        landmarks: Kernel of the landmarks with each other, ``[R, R]``.
        design: Kernel of the rows with the landmarks, ``[M, R]``.
        targets: Standardised, or −1 and 1, ``[M]``.
        folds: Fold of each row, ``[M]``.
    """
    bias = float(targets.mean())
    centred = targets - bias
    every = np.unique(folds)
    products = {fold: _products(design, centred, np.flatnonzero(folds == fold)) for fold in every}
    inner = np.sum([product for product, _ in products.values()], axis=0)
    right = np.sum([vector for _, vector in products.values()], axis=0)
    core = landmarks + JITTER * np.eye(len(landmarks))
    solutions, errors = [], []
    for noise in NOISES:
        seen = {f: _solve(inner - products[f][0] + noise * core, right - products[f][1]) for f in every}
        # Σ (y - K c)² over a fold, less Σ y², which is the same for every ridge.
        errors.append(sum(float(c @ products[f][0] @ c - 2 * c @ products[f][1]) for f, c in seen.items()))
        solutions.append(seen)
    best = int(np.argmin(errors))
    predicted = np.empty_like(targets)
    for fold, coefficients in solutions[best].items():
        rows = np.flatnonzero(folds == fold)
        predicted[rows] = design[rows] @ coefficients.astype(np.float32)
    coefficients = _solve(inner + NOISES[best] * core, right)
    return KernelFit(coefficients, bias, predicted + bias, NOISES[best])


def _products(design: NDArray[np.float32], targets: Matrix, rows: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    inner, right = np.zeros((design.shape[1],) * 2), np.zeros(design.shape[1])
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        block = design[some].astype(np.float64)
        inner += block.T @ block
        right += block.T @ targets[some]
    return inner, right


def _solve(matrix: Matrix, right: Matrix) -> Matrix:
    return np.asarray(cho_solve(cho_factor(matrix, lower=True), right))
