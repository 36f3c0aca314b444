from __future__ import annotations

from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.losses import angle_errors, angle_target
from pyg_moleblend.nn.objectives.base import RecoveryState
from pyg_moleblend.nn.objectives.internal_coordinate import InternalCoordinateRecovery
from pyg_moleblend.nn.objectives.pair_recovery import known_atoms
from pyg_moleblend.nn.pair_head import PairHead


@register
class AngleRecovery(InternalCoordinateRecovery):
    r"""Recovers the bond angle of every pair of atoms two bonds apart, in radians: the angle that
    :class:`~pyg_moleblend.nn.AngleBias` sees, of the clean coordinates.

    GEM predicts bond angles in pretraining too (doi 10.1038/s42256-021-00438-4).

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.
        num_pairs: Pairs of a molecule that training looks at, about; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_sampling.PairSampling`.

    Shapes:
        - **output:** ``[B, N, N]`` in radians
    """

    quality_name = "mae"

    def __init__(self, channels: int, pair_channels: int = 32, num_pairs: int | None = None) -> None:
        super().__init__(PairHead(channels, 1, pair_channels), num_pairs)

    def shape(self, prediction: Tensor) -> Tensor:
        return prediction.squeeze(-1)

    def target(self, state: RecoveryState) -> tuple[Tensor, Tensor]:
        return angle_target(state.molecules.pos, state.molecules.pairs["spd"], known_atoms(state))

    def errors(self, prediction: Tensor, target: Tensor) -> Tensor:
        return angle_errors(prediction, target)

    def qualities(self, prediction: Tensor, target: Tensor) -> Tensor:
        return angle_errors(prediction, target)
