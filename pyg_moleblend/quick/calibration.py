r"""Decision values as probabilities, from rows that the fit had not seen."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Values = NDArray[np.float64]


class Sigmoid(NamedTuple):
    r"""Probability of a decision value z: :math:`1 / (1 + \exp(-(a z + b)))`.

    Platt (1999), "Probabilistic outputs for support vector machines", with his targets, which keep a probability
    from being 0 or 1. The slope is never negative: values that say the reverse of the truth out of fold say nothing.
    """

    slope: float
    offset: float

    @classmethod
    def fit(cls, decisions: Values, positive: NDArray[np.bool_]) -> Sigmoid:
        r"""The sigmoid of decision values ``[M]`` of rows out of fold, and their classes ``[M]``."""
        high, low = int(positive.sum()), int((~positive).sum())
        target = np.where(positive, (high + 1) / (high + 2), 1 / (low + 2))

        def loss(point: Values) -> tuple[float, Values]:
            z = point[0] * decisions + point[1]
            away = expit(z) - target
            value = float((np.logaddexp(0, z) - target * z).mean())
            return value, np.array([float((away * decisions).mean()), float(away.mean())])

        start = np.array([0.0, math.log((high + 1) / (low + 1))])
        slope, offset = minimize(loss, start, jac=True, method="BFGS").x
        return cls(float(slope), float(offset)) if slope > 0 else cls(0.0, float(start[1]))

    def __call__(self, decisions: Values) -> Values:
        r"""Probabilities of the positive class."""
        return np.asarray(expit(self.slope * decisions + self.offset))
