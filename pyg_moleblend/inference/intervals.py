r"""Intervals of predictions, by errors on molecules that the training had not seen (split conformal prediction)."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pyg_moleblend.inference.estimate import Estimate
from pyg_moleblend.inference.loaded_model import OWN_COLUMNS, SIMILARITY, free_names
from pyg_moleblend.metrics.conformal import interval_width

LEVEL = 0.9
ERRORS_KEY = "errors"
r"""Where a fine-tuned model's metadata has them, ascending; see :func:`errors_to_save`."""

_KEPT = 1000

Errors = NDArray[np.float64]

_log = logging.getLogger(__name__)


def interval_widths(names: Sequence[str], errors: Sequence[Errors], level: float | None) -> dict[int, float]:
    r"""How far intervals reach up and down, by the place of the target; of those that have enough errors for the level.

    Args:
        names: Of the T targets.
        errors: Of each of them, ascending; empty where there are none.
        level: Probability that an interval holds the true value; :data:`LEVEL` by default.

    Raises:
        ValueError: If a level is asked for that is none, or for which a target has too few errors.
    """
    wanted = LEVEL if level is None else level
    widths = {place: interval_width(of, wanted) for place, of in enumerate(errors)}
    few = {names[place]: len(errors[place]) for place, width in widths.items() if math.isinf(width)}
    if few and level is not None:
        needed = math.ceil(round(level / (1 - level), 9))
        raise ValueError(
            f"intervals that hold {level:g} of the values need {needed} labels that the training has not seen, and "
            f"there are {few}: ask for a lower level, or leave it out"
        )
    if some := {name: count for name, count in few.items() if count}:
        _log.warning("no intervals: too few labels that the training has not seen (%s)", some)
    return {place: width for place, width in widths.items() if math.isfinite(width)}


def common_widths(
    names: Sequence[str], members: Sequence[Sequence[Errors]], level: float | None = None
) -> dict[int, float]:
    r"""How far intervals of the mean of several models reach: the most of what theirs do, of the targets that have one
    in each.

    Args:
        names: Of the T targets.
        members: Of each model, the errors as for :func:`interval_widths`.
        level: As there.
    """
    widths = [interval_widths(names, errors, level) for errors in members]
    return {place: max(of[place] for of in widths) for place in widths[0] if all(place in of for of in widths)}


def same_inputs(modality: str, known: str, level: float | None) -> bool:
    r"""Whether predictions are from the inputs whose errors are known, without which there are no intervals.

    Raises:
        ValueError: If they are not, and intervals are asked for.
    """
    if modality != known and level is not None:
        raise ValueError(
            f"the errors of predictions from {modality!r} are not known, only from {known!r}: leave the level or the "
            "modality out"
        )
    if modality != known:
        _log.warning("no intervals: errors are known of predictions from %r only", known)
    return modality == known


def end_columns(columns: Sequence[str], places: Sequence[int]) -> list[str]:
    r"""What the columns of the lower and upper ends are called.

    Args:
        columns: The other columns, those of the targets first.
        places: Of the targets that have intervals.
    """
    ends = [f"{columns[place]}_{end}" for place in places for end in ("lower", "upper")]
    return free_names(ends, "_of_interval", {*OWN_COLUMNS, SIMILARITY, *columns})


def errors_to_save(labels: Tensor, estimate: Estimate) -> list[list[float]]:
    r"""How far labels lie beyond the intervals of each target, ascending; of many, quantiles, the larger where it lies
    between two.

    Args:
        labels: Of molecules that the training has not seen, ``[M, T]``, NaN where there is none.
        estimate: Of these.
    """
    saved = []
    for errors in estimate.excess(labels.double()).T:
        known = np.sort(errors[~errors.isnan()].cpu().numpy())
        if len(known) > _KEPT:
            known = np.quantile(known, np.arange(1, _KEPT + 1) / _KEPT, method="higher")
        saved.append(known.tolist())
    return saved


def coverage(
    names: Sequence[str], labels: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    r"""How many of the labels lie within intervals, and how wide these are in the mean, of targets that have both.

    Args:
        names: Of the T targets.
        labels: ``[M, T]``, NaN where there is none.
        lower: Ends of the intervals, ``[M, T]``.
        upper: Likewise.
    """
    found = {}
    for name, label, low, high in zip(names, labels.T, lower.T, upper.T, strict=True):
        known = ~np.isnan(label) & np.isfinite(low) & np.isfinite(high)
        if known.any():
            held = (low <= label) & (label <= high)
            found[name] = {"coverage": float(held[known].mean()), "width": float((high - low)[known].mean())}
    return found


def saved_errors(metadata: dict[str, Any], targets: int) -> list[Errors]:
    r"""What :func:`errors_to_save` has given, from a model's metadata; empty where there is nothing.

    Raises:
        ValueError: If it is damaged.
    """
    found = metadata.get(ERRORS_KEY)
    if found is None:
        return [np.empty(0)] * targets
    try:
        errors = [np.asarray(each, dtype=np.float64) for each in found]
    except (TypeError, ValueError) as error:
        raise ValueError(f"the saved errors are damaged: {error}") from error
    if len(errors) != targets or any(
        of.ndim != 1 or not np.isfinite(of).all() or (np.diff(of) < 0).any() for of in errors
    ):
        raise ValueError(f"the saved errors must be finite and ascending, one list for each of {targets} targets")
    return errors
