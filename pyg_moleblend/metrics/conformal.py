from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def interval_width(scores: NDArray[np.float64], level: float) -> float:
    r"""Standard deviations to go up and down for an interval that holds the true value with a probability.

    Split conformal prediction (Lei et al. 2018, arXiv 1604.04173) with errors over the folds in the place of those of
    a held-out part: the :math:`\lceil (n + 1) \cdot level \rceil`-th smallest of n scores. It holds for molecules like
    those of the training part, not for others.

    Args:
        scores: Absolute errors out of fold over their standard deviations, ascending, ``[n]``.
        level: The probability, between 0 and 1.

    Returns:
        The width; infinite where there are too few scores for the level.

    Raises:
        ValueError: If the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"`level` must be between 0 and 1, 0.9 say, got {level}")
    place = math.ceil((len(scores) + 1) * level)
    return float(scores[place - 1]) if place <= len(scores) else math.inf
