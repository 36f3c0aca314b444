r"""Gaussian process regression on sums of kernels: how much each kernel weighs, and predictions with a variance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, lapack, solve_triangular
from scipy.optimize import minimize

Matrix = NDArray[np.float64]

PRIOR_STRENGTH = 1.0
r"""How strongly the logarithms of the weights are drawn to their common start; 0 is plain marginal likelihood."""

KNOWN_ROWS = 1024
r"""The variance is that of a process that knows at most so many of the rows; it can only be larger than with all."""

_LOG_WEIGHT = (-9.0, 3.0)
_LOG_NOISE = (-6.0, 3.0)
_STEPS = 25


class Mixture(NamedTuple):
    r"""A sum of kernels.

    Attributes:
        weights: Of the P kernels, with sum 1, ``[P]``.
        noise: Variance of the noise over that of the signal.
    """

    weights: NDArray[np.float64]
    noise: float

    def __call__(self, parts: NDArray[np.float32]) -> Matrix:
        r"""The sum of kernels ``[P, ...]``, ``[...]``."""
        # In float32: in float64 NumPy would first copy all of the parts.
        return np.tensordot(self.weights.astype(np.float32), parts, 1).astype(np.float64)

    @classmethod
    def equal(cls, count: int) -> Mixture:
        r"""Every kernel weighs the same."""
        return cls(np.full(count, 1 / count), 0.1)

    def without(self, place: int) -> Mixture:
        r"""The same sum less one kernel, with the same noise beside what is left."""
        weights = np.where(np.arange(len(self.weights)) == place, 0.0, self.weights)
        return Mixture(weights / weights.sum(), self.noise / float(weights.sum()))


def choose_mixture(parts: NDArray[np.float32], targets: Matrix) -> Mixture:
    r"""The weights and the noise that make the training targets likeliest, the weights drawn to equal ones.

    The logarithm of the marginal likelihood of a Gaussian process (Rasmussen and Williams 2006, chapter 5), its scale
    eliminated, less a Gaussian prior on the logarithms of the weights, by gradient.

    Args:
        parts: The kernels of the M rows with each other, ``[P, M, M]``.
        targets: Standardised, ``[M]``.
    """
    count, start = len(parts), -np.log(len(parts))

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = _negative_log_likelihood(parts, targets, np.exp(point))
        away = point[:-1] - start
        slope[:-1] += 2 * PRIOR_STRENGTH * away
        return (value + PRIOR_STRENGTH * float(away @ away)) / len(targets), slope / len(targets)

    first = np.append(np.full(count, start), np.log(0.1))
    bounds = [_LOG_WEIGHT] * count + [_LOG_NOISE]
    found = np.exp(minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}).x)
    total = found[:-1].sum()
    return Mixture(found[:-1] / total, float(found[-1] / total))


def leave_folds_out(kernel: Matrix, targets: Matrix, folds: NDArray[np.int64], noise: float) -> tuple[Matrix, Matrix]:
    r"""Mean and variance for each row by the process that has not seen the row's fold, from one inverse.

    With :math:`G = (K + \lambda I)^{-1}`, fold F's residuals are :math:`G_{FF}^{-1} (G y)_F`, its covariance
    :math:`G_{FF}^{-1}`.

    Args:
        kernel: ``[M, M]``.
        targets: ``[M]``.
        folds: Fold of each row, ``[M]``.
        noise: Variance of the noise.

    Returns:
        Means ``[M]``, and variances of the observations, noise included, ``[M]``.
    """
    precision = inverse(kernel, noise)
    solved, mean, variance = precision @ targets, np.empty_like(targets), np.empty_like(targets)
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        covariance = inverse(precision[np.ix_(rows, rows)], 0.0)
        mean[rows] = targets[rows] - covariance @ solved[rows]
        variance[rows] = covariance.diagonal()
    return mean, variance


class Spread(NamedTuple):
    r"""Variance of an observation, by what is known at some of the reference rows.

    Attributes:
        mixture: The kernel and its noise.
        rows: Which of the reference rows, ``[m]``.
        root: Cholesky factor of their kernel with the noise, lower, ``[m, m]``.
        scale: Variance of the signal.
    """

    mixture: Mixture
    rows: NDArray[np.int64]
    root: Matrix
    scale: float

    @classmethod
    def of(cls, mixture: Mixture, kernel: Matrix, rows: NDArray[np.int64], scale: float) -> Spread:
        r"""That of some rows.

        Args:
            mixture: The kernel and its noise.
            kernel: Of these rows with each other, ``[m, m]``.
            rows: Which of the reference rows they are, ``[m]``.
            scale: Variance of the signal.
        """
        return cls(mixture, rows, cholesky(kernel + mixture.noise * np.eye(len(rows)), lower=True), scale)

    def __call__(self, kernel: Matrix, diagonal: Matrix) -> Matrix:
        r"""Standard deviations ``[M]``, the noise included.

        Args:
            kernel: Of M molecules with all reference rows, ``[M, R]``.
            diagonal: Of the molecules with themselves, ``[M]``.
        """
        solved = solve_triangular(self.root, kernel[:, self.rows].T, lower=True)
        variance = diagonal + self.mixture.noise - np.square(solved).sum(0)
        return np.sqrt(self.scale * np.maximum(variance, self.mixture.noise))


def spread_over_folds(
    mixture: Mixture, kernel: Matrix, diagonal: Matrix, folds: NDArray[np.int64], known: NDArray[np.int64]
) -> Matrix:
    r"""Standard deviation at each row by the process that has not seen its fold, with a signal of variance 1.

    Args:
        mixture: The kernel and its noise.
        kernel: Of the M rows with the m that the process knows, ``[M, m]``.
        diagonal: Of the rows with themselves, ``[M]``.
        folds: Fold of each row, ``[M]``.
        known: Which of the rows the m are, ``[m]``.

    Returns:
        ``[M]``.
    """
    found = np.empty(len(folds))
    for fold in np.unique(folds):
        held, seen = np.flatnonzero(folds == fold), np.flatnonzero(folds[known] != fold)
        spread = Spread.of(mixture, kernel[np.ix_(known[seen], seen)], seen, 1.0)
        found[held] = spread(kernel[held], diagonal[held])
    return found


def inverse(matrix: Matrix, ridge: float) -> Matrix:
    r"""Inverse of a positive definite matrix ``[M, M]`` with `ridge` added to its diagonal.

    Raises:
        ValueError: If it is not positive definite.
    """
    return _inverse_and_log_determinant(matrix, ridge)[0]


def _inverse_and_log_determinant(matrix: Matrix, ridge: float) -> tuple[Matrix, float]:
    shifted = matrix + ridge * np.eye(len(matrix))
    root, info = lapack.dpotrf(shifted, lower=1)
    if info:
        raise ValueError(
            f"a kernel matrix of {len(matrix)} rows with noise {ridge:g} is not positive definite; check its inputs"
        )
    half, _ = lapack.dpotri(root, lower=1)
    return np.tril(half) + np.tril(half, -1).T, 2 * float(np.log(root.diagonal()).sum())


def _negative_log_likelihood(
    parts: NDArray[np.float32], targets: Matrix, point: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    r"""Of weights and noise, the scale at its best, and its slope along the logarithm of each."""
    kernel = np.tensordot(point[:-1], parts, 1).astype(np.float64)
    precision, log_determinant = _inverse_and_log_determinant(kernel, point[-1])
    solved, rows = precision @ targets, len(targets)
    scale = max(float(targets @ solved) / rows, 1e-12)
    value = 0.5 * rows * float(np.log(scale)) + 0.5 * log_determinant
    # One pass over each kernel gives both terms of its slope: the trace, and the quadratic form.
    outer = precision - np.outer(solved, solved) / scale
    slope = [0.5 * weight * float(np.vdot(part, outer)) for weight, part in zip(point[:-1], parts, strict=True)]
    slope.append(0.5 * point[-1] * float(np.trace(outer)))
    return value, np.array(slope)
