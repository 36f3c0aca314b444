from __future__ import annotations

from abc import abstractmethod
from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_moleblend.nn.objectives.base import Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.pair_recovery import PairRecovery
from pyg_moleblend.nn.pair_head import PairHead


class PairSample(NamedTuple):
    r"""Some pairs of each molecule, r first atoms and k second atoms for each.

    Attributes:
        first: Numbers of the first atoms, ``[B, r]`` int64.
        second: Numbers of the second atoms, ``[B, r, k]`` int64.
        weight: Of how many pairs each stands for, ``[B, r, k]``: one over the probability that it was drawn; 0 for
            pairs that do not count, which fill up where too few do.
    """

    first: Tensor
    second: Tensor
    weight: Tensor

    def of(self, values: Tensor) -> Tensor:
        r"""The sample's entries of a pair field ``[B, N, N, ...]``, as ``[B, r, k, ...]``."""
        batch = torch.arange(len(values), device=values.device)[:, None, None]
        return values[batch, self.first[..., None], self.second]


def draw_pairs(counted: Tensor, num_pairs: int) -> PairSample:
    r"""Draws pairs of each molecule among those that count, from PyTorch's generator, as dropout draws.

    First atoms are drawn uniformly and without replacement among those that have a pair, then for each its second
    atoms likewise: √(2 M) and √(M / 2) of them for M pairs. So the head is contracted for few first atoms, which makes
    it several times cheaper than pairs drawn one by one; their gradient is noisier by a tenth or two, next to what the
    choice of molecules brings. A molecule of at most √(M / 2) atoms is counted whole.

    Args:
        counted: True for pairs that count, ``[B, N, N]``.
        num_pairs: M, of a molecule; somewhat more are drawn, so that both numbers are whole.
    """
    N = counted.size(1)
    r = min(isqrt(2 * num_pairs), N)
    k = min(-(-num_pairs // r), N)
    row = counted.any(-1)  # [B, N]
    score, first = torch.rand(row.shape, device=row.device).masked_fill(~row, -1).topk(r, sorted=False)  # [B, r]
    pairs = counted.gather(1, first[..., None].expand(-1, -1, N))  # [B, r, N]
    pair_score, second = torch.rand(pairs.shape, device=row.device).masked_fill(~pairs, -1).topk(k, sorted=False)
    real = (pair_score >= 0) & (score >= 0)[..., None]  # [B, r, k]
    rows, columns = row.sum(1), pairs.sum(2)  # [B], [B, r]
    weight = (rows / rows.clamp(min=1, max=r))[:, None] * (columns / columns.clamp(min=1, max=k))  # [B, r]
    return PairSample(first, second, weight[..., None] * real)


class PairSampling(PairRecovery):
    r"""Recovers a relation of some pairs of atoms only, in training.

    With ``num_pairs`` training looks at about so many pairs of each molecule; see :func:`draw_pairs`. Weighted by the
    probabilities of the draw, the loss is an unbiased estimate of the mean over molecules of each molecule's own mean
    over what counts. For 3D relations that is the loss over all pairs. For classes the loss over all pairs is one mean
    over the whole batch, in which large molecules dominate: the two agree for molecules of like size. In evaluation
    mode, and where the prediction is asked for, all pairs count.

    Args:
        head: Gives the prediction's ``[B, N, N, O]``.
        num_pairs: Pairs of a molecule that training looks at; all by default.

    Raises:
        ValueError: If ``num_pairs`` is not positive.
    """

    def __init__(self, head: PairHead, num_pairs: int | None = None) -> None:
        super().__init__(head)
        if num_pairs is not None and (type(num_pairs) is not int or num_pairs < 1):
            raise ValueError(f"`num_pairs` must be a positive integer or None, got {num_pairs!r}")
        self.num_pairs = num_pairs

    @property
    def pair_outputs(self) -> int:
        return super().pair_outputs if self.num_pairs is None else 0

    @abstractmethod
    def entries(self, state: RecoveryState) -> Tensor:
        r"""How many entries count for each pair, ``[B, N, N]`` int64; 0 where the pair does not."""

    @abstractmethod
    def at_pairs(self, prediction: Tensor, state: RecoveryState, sample: PairSample) -> tuple[Tensor, Tensor]:
        r"""Loss and quality of each pair of a sample, summed over its entries, ``[B, r, k]`` both; anything where a
        pair does not count.

        Args:
            prediction: ``[B, r, k, ...]``, laid out by :meth:`shape`.
            state: The state.
            sample: The pairs.
        """

    def evaluate(self, state: RecoveryState) -> Outcome:
        if not self.training or self.num_pairs is None:
            return super().evaluate(state)
        entries = self.entries(state)
        sample = draw_pairs(entries > 0, self.num_pairs)
        prediction = self.shape(self.head.grid(state.atoms, sample.first, sample.second))
        losses, qualities = self.at_pairs(prediction, state, sample)
        total = entries.sum((1, 2))  # [B]
        weight = sample.weight / total.clamp(min=1)[:, None, None]
        count = (total > 0).sum()
        real = sample.weight > 0
        loss = (weight * torch.where(real, losses, torch.zeros_like(losses))).sum() / count.clamp(min=1)
        with torch.no_grad():
            quality = (weight * torch.where(real, qualities, torch.zeros_like(qualities))).sum()
        return Outcome(loss, Quality(quality, count))
