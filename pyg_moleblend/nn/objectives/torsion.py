from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.losses import torsion_errors, torsion_target
from pyg_moleblend.nn.objectives.internal_coordinate import InternalCoordinateRecovery


@register
class TorsionRecovery(InternalCoordinateRecovery):
    r"""Recovers the dihedral angle φ of every pair of atoms three bonds apart, as (cos φ, sin φ) of the clean
    coordinates. 3D-Mol predicts geometry of this kind in pretraining too (arXiv 2309.17366).

    The sign of φ tells a molecule from its mirror image. Distances and bond angles do not have it: an encoder knows it
    from :class:`~pyg_moleblend.nn.TorsionBias`, or in part from the chirality in ``x``; else the best prediction of
    sin φ is 0.

    The arguments are those of :class:`~pyg_moleblend.nn.objectives.internal_coordinate.InternalCoordinateRecovery`.

    Shapes:
        - **output:** ``[B, N, N, 2]``
    """

    quality_name = "cosine"
    outputs = 2
    coordinates = staticmethod(torsion_target)
    errors = staticmethod(torsion_errors)

    @staticmethod
    def qualities(prediction: Tensor, target: Tensor) -> Tensor:
        return F.cosine_similarity(prediction.to(target.dtype), target, dim=-1)
