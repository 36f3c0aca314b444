r"""Scores of predictions that are distributions: how probable they made what came."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pyg_moleblend.metrics.evaluator import Score


def distribution_scores(labels: Tensor, mean: Tensor, std: Tensor) -> dict[str, Score]:
    r"""Scores of normal distributions by name, low ones being good; the mean over the targets that have labels.

    ``nll`` is the negative log likelihood. ``crps`` is the continuous ranked probability score, in the targets' units,
    which tends to the absolute error with the deviation to 0 (Gneiting and Raftery 2007,
    doi:10.1198/016214506000001437, section 4.2).

    Args:
        labels: ``[M, T]``, NaN where there is none.
        mean: Means, ``[M, T]``.
        std: Standard deviations, ``[M, T]``, positive.
    """
    z = (labels - mean) / std
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    found = {
        "nll": 0.5 * z.square() + std.log() + 0.5 * math.log(2 * math.pi),
        "crps": std * (z * (2 * torch.special.ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi)),
    }
    return {name: _score(name, values) for name, values in found.items()}


def _score(name: str, values: Tensor) -> Score:
    per_task = tuple(values.nanmean(0).tolist())  # NaN without a label
    scored = [value for value in per_task if not math.isnan(value)]
    return Score(name, sum(scored) / len(scored) if scored else math.nan, len(scored), per_task)
