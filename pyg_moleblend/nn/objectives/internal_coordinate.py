from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from pyg_moleblend.losses import sums_of_molecules
from pyg_moleblend.nn.objectives.base import RecoveryState
from pyg_moleblend.nn.objectives.pair_recovery import GeometryRecovery, RowSums
from pyg_moleblend.nn.objectives.pair_sampling import PairSample, PairSampling


class InternalCoordinateRecovery(PairSampling, GeometryRecovery):
    r"""Recovers a bond angle or a torsion, which only some pairs of atoms have.

    A subclass says what the target is and which pairs count, and what comes of a pair.
    """

    pair_fields = ("spd",)

    @abstractmethod
    def target(self, state: RecoveryState) -> tuple[Tensor, Tensor]:
        r"""The targets ``[B, N, N, ...]``, of clean coordinates, and the pairs that count, ``[B, N, N]`` bool."""

    @abstractmethod
    def errors(self, prediction: Tensor, target: Tensor) -> Tensor:
        r"""Loss of each pair."""

    @abstractmethod
    def qualities(self, prediction: Tensor, target: Tensor) -> Tensor:
        r"""Quality of each pair."""

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
