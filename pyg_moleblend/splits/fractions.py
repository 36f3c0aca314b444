r"""Shares of training, validation and test."""

import math

Fractions = tuple[float, float, float]


def cumulative(fractions: Fractions) -> tuple[float, float]:
    r"""Share of train, and of train and valid together.

    Raises:
        ValueError: If they are not three shares that sum to 1, the first above 0.
    """
    shares = len(fractions) == 3 and fractions[0] > 0 and min(fractions) >= 0
    if not shares or not math.isclose(sum(fractions), 1.0, abs_tol=1e-9):
        raise ValueError(f"`fractions` must be shares of train, valid and test that sum to 1, got {fractions}")
    return fractions[0], fractions[0] + fractions[1]


def fractions_name(fractions: Fractions) -> str:
    r"""As names of splits have it: ``"0.8/0.1/0.1"``."""
    return "/".join(f"{share:g}" for share in fractions)
