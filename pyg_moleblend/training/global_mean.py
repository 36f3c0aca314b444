from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class GlobalMean(NamedTuple):
    r"""Means over what all processes have counted together.

    Attributes:
        share: What a process has to differentiate, ``[S]``: the average over the processes, which is what DDP and
            FSDP make of gradients, is the mean.
        value: The means ``[S]``, the same on every process; without gradient.
    """

    share: Tensor
    value: Tensor


def global_mean(
    means: Tensor, counts: Tensor, world_size: int = 1, total: Callable[[Tensor], Tensor] | None = None
) -> GlobalMean:
    r"""Weighs the means of each process by how much it has counted.

    A plain average of the processes' means would weigh a label or a pair more where a process has fewer of them, and
    so would depend on how many processes there are. What nobody has counted is 0.

    Args:
        means: This process' means, ``[S]``.
        counts: How much was counted for each, ``[S]``.
        world_size: How many processes there are.
        total: Sums a tensor over the processes; needed where there are several.
    """
    if world_size == 1:
        return GlobalMean(means, means.detach())
    if total is None:
        raise ValueError(f"the means of {world_size} processes need a function that sums over them, got None")
    counts = counts.to(means.dtype)
    sums, counted = total(torch.stack([means.detach() * counts, counts]))
    counted = counted.clamp(min=1)
    return GlobalMean(means * (counts * world_size / counted), sums / counted)
