from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pyg_moleblend.losses import Sums
from pyg_moleblend.nn.objectives.base import JointObjective, Outcome, Quality, RecoveryState
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


class PairRecovery(JointObjective):
    r"""Recovers a relation of every pair of atoms by a :class:`~pyg_moleblend.nn.PairHead` (arXiv 2307.06235,
    section 3.2).

    A subclass says how a block of the prediction is counted (:meth:`sums`) and what comes of all of them
    (:meth:`outcome`). :meth:`evaluate` goes through the prediction in blocks of rows, each of about
    :data:`BLOCK_ELEMENTS` numbers at most, and computes a block again in the backward pass: the whole prediction,
    4 GiB for 8 molecules of 512 atoms and 300 bond classes, never exists.

    Args:
        head: Gives the prediction's ``[B, N, N, O]``.
    """

    def __init__(self, head: PairHead) -> None:
        super().__init__()
        self.head = head

    @abstractmethod
    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        r"""Sums over the pairs whose first atom is in ``rows``; the prediction is of these pairs only."""

    @abstractmethod
    def outcome(self, sums: RowSums) -> Outcome:
        r"""Loss and quality from the sums over all pairs."""

    def shape(self, prediction: Tensor) -> Tensor:
        r"""Lays out the head's ``[B, n, N, O]`` as the objective's prediction; as it is by default."""
        return prediction

    @property
    def pair_outputs(self) -> int:
        return self.head.bias.numel()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.shape(self.head(state.atoms))

    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome:
        return self.outcome(self.sums(prediction, state, slice(None)))

    def evaluate(self, state: RecoveryState) -> Outcome:
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

    def _rows(self, state: RecoveryState, row: Tensor, contracted: Tensor, rows: slice) -> RowSums:
        return self.sums(self.shape(self.head.rows(row, contracted)), state, rows)


class GeometryRecovery(PairRecovery):
    r"""Recovers a 3D relation: means over a molecule's pairs, then over molecules."""

    def outcome(self, sums: RowSums) -> Outcome:
        count = sums.loss.weight
        return Outcome(sums.loss.mean(), Quality((sums.quality / count.clamp(min=1)).sum(), (count > 0).sum()))


def known_atoms(state: RecoveryState) -> Tensor:
    r"""True for atoms whose coordinates are known, ``[B, N]``."""
    return state.molecules.mask & state.molecules.has_3d[:, None]
