from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from pyg_moleblend.viz.parity import COLOURS, MANY, Values

BINS = 6


def draw_error_by_similarity(axis: Axes, parts: Mapping[str, tuple[Values, Values]], unit: str = "") -> None:
    r"""Mean absolute error of molecules that are more and less like the training molecules.

    Args:
        axis: Where to.
        parts: By name of a part, similarity to the nearest training molecule ``[M]``, and absolute errors ``[M]``.
        unit: Of the errors.
    """
    for name, (similarity, errors) in parts.items():
        groups = np.array_split(np.argsort(similarity, kind="stable"), min(BINS, len(similarity)))
        colour = COLOURS.get(name, "C2")
        axis.scatter(similarity, errors, s=5, color=colour, alpha=0.3, linewidths=0, rasterized=len(errors) > MANY)
        means = [(similarity[rows].mean(), errors[rows].mean()) for rows in groups]
        axis.plot(*zip(*means, strict=True), marker="o", color=colour, label=f"{name}, mean of a sixth")
    axis.set(
        xlabel="similarity to the nearest training molecule", ylabel=f"absolute error{f' [{unit}]' if unit else ''}"
    )
    axis.legend(frameon=False, fontsize="small")
