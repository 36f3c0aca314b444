from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pyg_moleblend.losses import Sums, classification_losses, classification_sums
from pyg_moleblend.nn.objectives.base import Objective, Outcome, Quality, RecoveryState
from pyg_moleblend.nn.pair_head import PairHead

BLOCK_ELEMENTS: int = 2**25
r"""Numbers of a prediction that are held at a time: 128 MiB in float32."""


class RowSums(NamedTuple):
    r"""What is summed over the pairs of some first atoms.

    Attributes:
        loss: Sums of the loss.
        quality: Sum of the quality, of the shape of ``loss.total``; without gradient.
    """

    loss: Sums
    quality: Tensor

    def __add__(self, other: RowSums) -> RowSums:  # type: ignore[override]
        return RowSums(self.loss + other.loss, self.quality + other.quality)


class PairRecovery(Objective):
    r"""Recovers a relation of every pair of atoms by a :class:`~pyg_moleblend.nn.PairHead` (arXiv 2307.06235,
    section 3.2).

    A subclass says how a block of the prediction is counted (:meth:`sums`) and what comes of all of them
    (:meth:`outcome`). :meth:`evaluate` goes through the prediction in blocks of rows, each of about
    :data:`BLOCK_ELEMENTS` numbers at most, and computes a block again in the backward pass: the whole prediction,
    4 GiB for 8 molecules of 512 atoms and 300 bond classes, never exists.

    With ``num_pairs`` training looks at so many pairs of each molecule only: they are drawn uniformly and without
    replacement among those that count, from PyTorch's generator, as dropout draws. The loss is then an unbiased
    estimate of the mean over molecules of each molecule's own mean, in which a few large molecules do not dominate.
    In evaluation mode all pairs count.

    Args:
        head: Gives the prediction's ``[B, N, N, O]``.
        num_pairs: Pairs of a molecule that training looks at; all by default.

    Raises:
        ValueError: If ``num_pairs`` is not positive.
    """

    def __init__(self, head: PairHead, num_pairs: int | None = None) -> None:
        super().__init__()
        if num_pairs is not None and (type(num_pairs) is not int or num_pairs < 1):
            raise ValueError(f"`num_pairs` must be a positive integer or None, got {num_pairs!r}")
        self.head = head
        self.num_pairs = num_pairs

    @abstractmethod
    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        r"""Sums over the pairs whose first atom is in ``rows``; the prediction is of these pairs only."""

    @abstractmethod
    def outcome(self, sums: RowSums) -> Outcome:
        r"""Loss and quality from the sums over all pairs."""

    def counted(self, state: RecoveryState) -> Tensor:
        r"""How many entries count for each pair, ``[B, N, N]`` int64; 0 where the pair does not."""
        raise TypeError(f"{type(self).__name__} looks at all its pairs: leave `num_pairs` out")

    def at_pairs(self, prediction: Tensor, state: RecoveryState, chosen: Tensor) -> tuple[Tensor, Tensor]:
        r"""Loss and quality of some pairs, summed over a pair's entries, ``[B, M]`` both.

        Args:
            prediction: ``[B, M, ...]``, laid out by :meth:`shape`.
            state: The state.
            chosen: The pairs, ``first * N + second``, ``[B, M]`` int64.
        """
        raise TypeError(f"{type(self).__name__} looks at all its pairs: leave `num_pairs` out")

    def shape(self, prediction: Tensor) -> Tensor:
        r"""Lays out the head's ``[B, n, N, O]``, or ``[B, M, O]``, as the prediction; as it is by default."""
        return prediction

    @property
    def pair_outputs(self) -> int:
        return self.head.bias.numel() if self.num_pairs is None else 0

    def forward(self, state: RecoveryState) -> Tensor:
        return self.shape(self.head(state.atoms))

    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome:
        return self.outcome(self.sums(prediction, state, slice(None)))

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return self.judge(prediction, state).loss

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        return self.judge(prediction, state).quality

    def evaluate(self, state: RecoveryState) -> Outcome:
        if self.training and self.num_pairs is not None:
            return self._sampled(state, self.num_pairs)
        row, contracted = self.head.contract(state.atoms)
        N, count = row.size(1), 1
        # A power of two: compiled for any N, the loop below has one form for each of a few counts.
        while 2 * count <= N and count * BLOCK_ELEMENTS < row.size(0) * N * contracted.size(2):
            count *= 2
        if count == 1:
            return self.outcome(self._rows(state, row, contracted, slice(None)))
        parts = []
        for number in range(count):
            rows = slice(number * N // count, (number + 1) * N // count)
            parts.append(checkpoint(self._rows, state, row[:, rows], contracted, rows, use_reentrant=False))
        return self.outcome(sum(parts[1:], start=parts[0]))

    def _sampled(self, state: RecoveryState, num_pairs: int) -> Outcome:
        entries = self.counted(state).flatten(1)  # [B, N * N]
        N = state.atoms.size(1)
        score = torch.rand(entries.shape, device=entries.device).masked_fill(entries == 0, -1)
        score, chosen = score.topk(min(num_pairs, N * N), sorted=False)  # [B, M]
        real = score >= 0
        prediction = self.shape(self.head.pairs(state.atoms, chosen // N, chosen % N))
        losses, qualities = self.at_pairs(prediction, state, chosen)
        # Each drawn pair stands for all pairs of its molecule, whose entries are known to be so many.
        pairs, total, drawn = (entries > 0).sum(1), entries.sum(1), real.sum(1)
        weight = pairs / (drawn * total).clamp(min=1)  # [B]
        count = (pairs > 0).sum()
        loss = (weight * torch.where(real, losses, torch.zeros_like(losses)).sum(1)).sum() / count.clamp(min=1)
        with torch.no_grad():
            quality = (weight * torch.where(real, qualities, torch.zeros_like(qualities)).sum(1)).sum()
        return Outcome(loss, Quality(quality, count))

    def _rows(self, state: RecoveryState, row: Tensor, contracted: Tensor, rows: slice) -> RowSums:
        return self.sums(self.shape(self.head.rows(row, contracted)), state, rows)


class ClassRecovery(PairRecovery):
    r"""Recovers a relation as one of some classes: cross entropy, and the accuracy."""

    quality_name = "accuracy"
    is_likelihood = True

    @abstractmethod
    def target(self, state: RecoveryState, rows: slice = slice(None)) -> Tensor:
        r"""Classes ``[B, n, N, ...]`` int64 of the pairs of some first atoms, -1 where not counted."""

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        target = self.target(state, rows)
        with torch.no_grad():
            hits = ((prediction.argmax(-1) == target) & (target >= 0)).sum().float()
        return RowSums(classification_sums(prediction, target), hits)

    def outcome(self, sums: RowSums) -> Outcome:
        return Outcome(sums.loss.mean(), Quality(sums.quality, sums.loss.weight))

    def counted(self, state: RecoveryState) -> Tensor:
        known = self.target(state) >= 0
        return known.view(*known.shape[:3], -1).sum(-1)

    def at_pairs(self, prediction: Tensor, state: RecoveryState, chosen: Tensor) -> tuple[Tensor, Tensor]:
        target = self.target(state).flatten(1, 2)  # [B, N * N, ...]
        more = [1] * (target.dim() - 2)
        target = target.gather(1, chosen.view(*chosen.shape, *more).expand(-1, -1, *target.shape[2:]))  # [B, M, ...]
        losses = classification_losses(prediction, target).view(*chosen.shape, -1).sum(-1)
        with torch.no_grad():
            hits = ((prediction.argmax(-1) == target) & (target >= 0)).view(*chosen.shape, -1).sum(-1).float()
        return losses, hits


class GeometryRecovery(PairRecovery):
    r"""Recovers a 3D relation: means over a molecule's pairs, then over molecules."""

    def outcome(self, sums: RowSums) -> Outcome:
        count = sums.loss.weight
        return Outcome(sums.loss.mean(), Quality((sums.quality / count.clamp(min=1)).sum(), (count > 0).sum()))

    def counted(self, state: RecoveryState) -> Tensor:
        atoms = known_atoms(state)
        N = atoms.size(1)
        return (atoms[:, :, None] & atoms[:, None, :] & ~torch.eye(N, dtype=torch.bool, device=atoms.device)).long()


def displacements(state: RecoveryState, chosen: Tensor) -> Tensor:
    r"""``pos[second] - pos[first]`` of some pairs ``first * N + second``, in Å, ``[B, M, 3]``."""
    pos = state.molecules.pos
    N = pos.size(1)
    first, second = (atoms[..., None].expand(-1, -1, 3) for atoms in (chosen // N, chosen % N))
    return pos.gather(1, second) - pos.gather(1, first)


def known_atoms(state: RecoveryState) -> Tensor:
    r"""True for atoms whose coordinates are known, ``[B, N]``."""
    return state.molecules.mask & state.molecules.has_3d[:, None]
