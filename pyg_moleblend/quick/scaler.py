r"""Numbers on one scale, whatever a new molecule brings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TAIL = 0.5
r"""Percent of the training values that are clipped at either end."""


class Scaler(NamedTuple):
    r"""Clips columns to the range of the training part, and standardises them.

    Attributes:
        low: Smallest value of each column that is left as it is, ``[D]``.
        high: Largest likewise.
        mean: Of the clipped training values.
        scale: One over their standard deviation; 0 for a column that does not vary, which then says nothing.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Scaler:
        r"""The scaler of training values ``[M, D]``; NaN, where there is no number, does not count."""
        known = np.where(np.isnan(values).all(0), 0.0, values)  # a column of NaN is one of zeros
        low, high = np.nanpercentile(known, [TAIL, 100 - TAIL], axis=0)
        clipped = np.clip(known, low, high)
        mean, std = np.nanmean(clipped, axis=0), np.nanstd(clipped, axis=0)
        varies = std > 1e-9 * np.maximum(np.abs(mean), 1.0)
        return cls(low, high, mean, np.divide(1.0, std, out=np.zeros_like(std), where=varies))

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        r"""Values ``[M, D]`` on the training part's scale; what is missing gets the mean, 0."""
        scaled = (np.clip(values, self.low, self.high) - self.mean) * self.scale
        return np.nan_to_num(scaled, nan=0.0).astype(np.float32)

    @property
    def num_varying(self) -> int:
        r"""Columns that say something."""
        return int((self.scale > 0).sum())
