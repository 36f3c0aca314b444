r"""How far a prediction may be off, by a Gaussian process: more where the training part has nothing alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from pyg_moleblend.quick.gaussian_process import Mixture

Matrix = NDArray[np.float64]

KNOWN_ROWS = 1024
r"""The variance is that of a process that knows at most so many of the rows; it can only be larger than with all."""


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
