from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from pyg_moleblend.losses import sums_of_molecules
from pyg_moleblend.nn.objectives.base import RecoveryState
from pyg_moleblend.nn.objectives.pair_recovery import GeometryRecovery, RowSums, known_atoms
from pyg_moleblend.nn.objectives.pair_sampling import PairSample, PairSampling
from pyg_moleblend.nn.pair_head import PairHead


class InternalCoordinateRecovery(PairSampling, GeometryRecovery):
    r"""Recovers a bond angle or a torsion, which only some pairs of atoms have.

    A subclass says what the target is and which pairs count, and what comes of a pair.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.
        num_pairs: Pairs of a molecule that training looks at, about; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_sampling.PairSampling`.
    """

    pair_fields = ("spd",)

    outputs: ClassVar[int]
    r"""Numbers that are predicted of a pair."""

    def __init__(self, channels: int, pair_channels: int = 32, num_pairs: int | None = None) -> None:
        super().__init__(PairHead(channels, self.outputs, pair_channels), num_pairs)

    @staticmethod
    @abstractmethod
    def coordinates(pos: Tensor, spd: Tensor, atoms: Tensor) -> tuple[Tensor, Tensor]:
        r"""The targets ``[B, N, N, ...]``, of clean coordinates, and the pairs that count, ``[B, N, N]`` bool.

        Args:
            pos: Clean coordinates in Å, ``[B, N, 3]``.
            spd: Shortest-path distances, ``[B, N, N]``.
            atoms: True for atoms whose coordinates are known, ``[B, N]``.
        """

    @staticmethod
    @abstractmethod
    def errors(prediction: Tensor, target: Tensor) -> Tensor:
        r"""Loss of each pair."""

    @staticmethod
    @abstractmethod
    def qualities(prediction: Tensor, target: Tensor) -> Tensor:
        r"""Quality of each pair."""

    def target(self, state: RecoveryState) -> tuple[Tensor, Tensor]:
        r"""The targets and the pairs that count, see :meth:`coordinates`."""
        return self.coordinates(state.molecules.pos, state.molecules.pairs["spd"], known_atoms(state))

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        target, counted = (values[:, rows] for values in self.target(state))
        with torch.no_grad():
            quality = sums_of_molecules(self.qualities(prediction, target), counted).total
        return RowSums(sums_of_molecules(self.errors(prediction, target), counted), quality)

    def entries(self, state: RecoveryState) -> Tensor:
        return self.target(state)[1].long()

    def at_pairs(self, prediction: Tensor, state: RecoveryState, sample: PairSample) -> tuple[Tensor, Tensor]:
        target = sample.of(self.target(state)[0])
        with torch.no_grad():
            qualities = self.qualities(prediction, target)
        return self.errors(prediction, target), qualities
