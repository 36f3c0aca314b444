from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

Values = NDArray[np.float64]
COLOURS = {"folds": "0.65", "valid": "C1", "test": "C0"}
r"""Of the parts of a split, in every figure."""
MANY = 2000
r"""More points are drawn as a picture within the figure, which would be megabytes large."""


def draw_parity(axis: Axes, parts: Mapping[str, tuple[Values, Values]], unit: str = "") -> None:
    r"""Predictions against labels, and the diagonal on which both are equal.

    Args:
        axis: Where to.
        parts: By name of a part, labels ``[M]`` and predictions ``[M]``, none NaN.
        unit: Of both.
    """
    for name, (labels, predictions) in parts.items():
        error = float(np.sqrt(np.mean((labels - predictions) ** 2)))
        colour, size = COLOURS.get(name, "C2"), 6 if len(labels) > 500 else 14
        text = f"{name}: RMSE {error:.3g}"
        many = len(labels) > MANY
        axis.scatter(labels, predictions, s=size, color=colour, alpha=0.6, linewidths=0, label=text, rasterized=many)
    every = np.concatenate([values for pair in parts.values() for values in pair])
    ends = float(every.min()), float(every.max())
    axis.plot(ends, ends, color="0.3", linewidth=1)
    suffix = f" [{unit}]" if unit else ""
    axis.set(xlabel=f"label{suffix}", ylabel=f"prediction{suffix}")
    axis.set_aspect("equal", adjustable="datalim")
    axis.legend(frameon=False, fontsize="small")
