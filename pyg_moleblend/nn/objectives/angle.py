from __future__ import annotations

from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.losses import angle_sums
from pyg_moleblend.nn.objectives.base import RecoveryState
from pyg_moleblend.nn.objectives.pair_recovery import GeometryRecovery, RowSums, known_atoms
from pyg_moleblend.nn.pair_head import PairHead


@register
class AngleRecovery(GeometryRecovery):
    r"""Recovers the bond angle of every pair of atoms two bonds apart, in radians: the angle that
    :class:`~pyg_moleblend.nn.AngleBias` sees, of the clean coordinates.

    GEM predicts bond angles in pretraining too (doi 10.1038/s42256-021-00438-4).

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.

    Shapes:
        - **output:** ``[B, N, N]`` in radians
    """

    pair_fields = ("spd",)
    quality_name = "mae"

    def __init__(self, channels: int, pair_channels: int = 32) -> None:
        super().__init__(PairHead(channels, 1, pair_channels))

    def shape(self, prediction: Tensor) -> Tensor:
        return prediction.squeeze(-1)

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        molecules = state.molecules
        sums = angle_sums(prediction, molecules.pos, molecules.pairs["spd"], known_atoms(state), rows)
        return RowSums(sums, sums.total.detach())
