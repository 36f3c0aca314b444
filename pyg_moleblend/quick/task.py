r"""The model of one target: kernel machines and a forest on the same molecules, and their mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from pyg_moleblend.metrics import TaskType
from pyg_moleblend.quick.calibration import Sigmoid
from pyg_moleblend.quick.combination import Combination
from pyg_moleblend.quick.forest import Forest
from pyg_moleblend.quick.gaussian_process import Mixture
from pyg_moleblend.quick.spread import Spread

Matrix = NDArray[np.float64]

_ALMOST = 1e-6


class Intervals(NamedTuple):
    r"""What the standard deviations and intervals of a regression come from.

    Attributes:
        known: Reference molecules that the variance knows, ascending, ``[m]``.
        scale: Variance of the signal, in squared standard deviations of the target.
        errors: Errors out of fold over their standard deviations, absolute and ascending, ``[n]``.
    """

    known: NDArray[np.int64]
    scale: float
    errors: Matrix


@dataclass(frozen=True, eq=False)
class TaskModel:
    r"""A fitted target.

    Attributes:
        kind: Of the target.
        mean: Of the training labels, in their unit; 0 for a classification.
        std: Likewise; 1 for a classification.
        mixture: The kernels' sum.
        machines: By name, coefficients of the R reference rows ``[R]`` and a bias.
        forests: ``"forest"`` and the forest, or nothing.
        sigmoids: For a classification, probabilities of each member's decision values.
        combination: How the members become one.
        calibration: For a classification, the probability of the combined value.
        intervals: For a regression.
    """

    kind: TaskType
    mean: float
    std: float
    mixture: Mixture
    machines: dict[str, tuple[Matrix, float]]
    forests: dict[str, Forest]
    sigmoids: dict[str, Sigmoid]
    combination: Combination
    calibration: Sigmoid | None
    intervals: Intervals | None

    def __call__(
        self,
        parts: NDArray[np.float32],
        diagonal: NDArray[np.float32],
        columns: NDArray[np.float32],
        spread: Spread | None,
    ) -> tuple[Matrix, Matrix]:
        r"""Predictions and their standard deviations.

        Args:
            parts: Kernels of M molecules with the reference, ``[P, M, R]``.
            diagonal: With themselves, ``[P, M]``.
            columns: What the forest looks at, ``[M, D]``.
            spread: Of :meth:`spread`; ``None`` for a classification.

        Returns:
            Probabilities, or values in the target's unit, ``[M]``; and standard deviations ``[M]``, NaN for
            probabilities.
        """
        kernel = self.mixture(parts)
        decisions = {name: kernel @ coefficients + bias for name, (coefficients, bias) in self.machines.items()}
        decisions |= {name: forest(columns) for name, forest in self.forests.items()}
        decisions = {name: self.sigmoids[name](z) if self.sigmoids else z for name, z in decisions.items()}
        combined = self.combination(decisions)
        if self.calibration is not None:
            return self.calibration(log_odds(combined)), np.full(len(combined), np.nan)
        std = np.full(len(combined), np.nan) if spread is None else spread(kernel, self.mixture(diagonal)) * self.std
        return combined * self.std + self.mean, std

    @property
    def known(self) -> NDArray[np.int64]:
        r"""Reference molecules that the variance knows; none for a classification."""
        return np.empty(0, dtype=np.int64) if self.intervals is None else self.intervals.known

    def spread(self, parts: NDArray[np.float32]) -> Spread | None:
        r"""The variance, from the kernels of the known molecules with each other, ``[P, m, m]``."""
        if self.intervals is None:
            return None
        return Spread.of(self.mixture, self.mixture(parts), self.known, self.intervals.scale)


def log_odds(values: Matrix) -> Matrix:
    r"""Of probabilities or ranks ``[M]``, 0 and 1 included."""
    return np.asarray(logit(np.clip(values, _ALMOST, 1 - _ALMOST)))
