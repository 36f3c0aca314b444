r"""The mean of a model's output over a molecule's conformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pyg_moleblend.loader.draw_conformers import conformers_there, with_conformer


def conformer_mean(compute: Callable[[Any], Tensor], spread: bool) -> Callable[[Any], Tensor]:
    r"""A function of batches that takes the mean over each molecule's conformers.

    Args:
        compute: Gives ``[B, F]`` for a batch with one ``pos`` a molecule.
        spread: Whether the standard deviation over the conformers is given, too.

    Returns:
        Gives ``[B, F]``, or ``[B, 2 * F]``, the means before the standard deviations, for a batch with ``conformers``
        or without.
    """

    def mean(batch: Any) -> Tensor:
        if "conformers" not in batch:
            values = compute(batch)
            return torch.cat([values, torch.zeros_like(values)], dim=1) if spread else values
        there = conformers_there(batch)  # [B, K]
        there[:, 0] |= ~there.any(1)  # from 2D alone
        # Where a molecule has no conformer k, the first stands in and does not count.
        chosen = torch.arange(there.size(1), device=there.device) * there + there.int().argmax(1)[:, None] * ~there
        values = torch.stack([compute(with_conformer(batch, number)) for number in chosen.T])  # [K, B, F]
        weight = there.T[:, :, None].to(values.dtype) / there.sum(1)[None, :, None]
        means = (weight * values).sum(0)
        if not spread:
            return means
        return torch.cat([means, (weight * (values - means).square()).sum(0).sqrt()], dim=1)

    return mean
