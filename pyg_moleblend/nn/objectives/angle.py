from __future__ import annotations

from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.losses import angle_errors, angle_target
from pyg_moleblend.nn.objectives.internal_coordinate import InternalCoordinateRecovery


@register
class AngleRecovery(InternalCoordinateRecovery):
    r"""Recovers the bond angle of every pair of atoms two bonds apart, in radians: the angle that
    :class:`~pyg_moleblend.nn.AngleBias` sees, of the clean coordinates.

    GEM predicts bond angles in pretraining too (doi 10.1038/s42256-021-00438-4).

    The arguments are those of :class:`~pyg_moleblend.nn.objectives.internal_coordinate.InternalCoordinateRecovery`.

    Shapes:
        - **output:** ``[B, N, N]`` in radians
    """

    quality_name = "mae"
    outputs = 1
    coordinates = staticmethod(angle_target)
    errors = qualities = staticmethod(angle_errors)

    def shape(self, prediction: Tensor) -> Tensor:
        return prediction.squeeze(-1)
