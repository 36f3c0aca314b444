from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.losses import torsion_sums, torsion_target
from pyg_moleblend.nn.objectives.base import RecoveryState
from pyg_moleblend.nn.objectives.pair_recovery import GeometryRecovery, RowSums, known_atoms
from pyg_moleblend.nn.pair_head import PairHead


@register
class TorsionRecovery(GeometryRecovery):
    r"""Recovers the dihedral angle φ of every pair of atoms three bonds apart, as (cos φ, sin φ) of the clean
    coordinates. 3D-Mol predicts geometry of this kind in pretraining too (arXiv 2309.17366).

    The sign of φ tells a molecule from its mirror image. Distances and bond angles do not have it: an encoder knows it
    from :class:`~pyg_moleblend.nn.TorsionBias`, or in part from the chirality in ``x``; else the best prediction of
    sin φ is 0.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.

    Shapes:
        - **output:** ``[B, N, N, 2]``
    """

    pair_fields = ("spd",)
    quality_name = "cosine"

    def __init__(self, channels: int, pair_channels: int = 32) -> None:
        super().__init__(PairHead(channels, 2, pair_channels))

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        molecules = state.molecules
        target, counted = torsion_target(molecules.pos, molecules.pairs["spd"], known_atoms(state), rows)
        with torch.no_grad():
            cosine = F.cosine_similarity(prediction.to(target.dtype), target, dim=-1)
            quality = (cosine * counted).sum((1, 2))
        return RowSums(torsion_sums(prediction, target, counted), quality)
