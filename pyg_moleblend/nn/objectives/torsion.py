from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.losses import torsion_errors, torsion_target
from pyg_moleblend.nn.objectives.base import RecoveryState
from pyg_moleblend.nn.objectives.internal_coordinate import InternalCoordinateRecovery
from pyg_moleblend.nn.objectives.pair_recovery import known_atoms
from pyg_moleblend.nn.pair_head import PairHead


@register
class TorsionRecovery(InternalCoordinateRecovery):
    r"""Recovers the dihedral angle φ of every pair of atoms three bonds apart, as (cos φ, sin φ) of the clean
    coordinates. 3D-Mol predicts geometry of this kind in pretraining too (arXiv 2309.17366).

    The sign of φ tells a molecule from its mirror image. Distances and bond angles do not have it: an encoder knows it
    from :class:`~pyg_moleblend.nn.TorsionBias`, or in part from the chirality in ``x``; else the best prediction of
    sin φ is 0.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.
        num_pairs: Pairs of a molecule that training looks at, about; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_sampling.PairSampling`.

    Shapes:
        - **output:** ``[B, N, N, 2]``
    """

    quality_name = "cosine"

    def __init__(self, channels: int, pair_channels: int = 32, num_pairs: int | None = None) -> None:
        super().__init__(PairHead(channels, 2, pair_channels), num_pairs)

    def target(self, state: RecoveryState) -> tuple[Tensor, Tensor]:
        return torsion_target(state.molecules.pos, state.molecules.pairs["spd"], known_atoms(state))

    def errors(self, prediction: Tensor, target: Tensor) -> Tensor:
        return torsion_errors(prediction, target)

    def qualities(self, prediction: Tensor, target: Tensor) -> Tensor:
        return F.cosine_similarity(prediction.to(target.dtype), target, dim=-1)
