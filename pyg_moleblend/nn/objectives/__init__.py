r"""What pretraining predicts, one objective a file: a head, its target, its loss and its quality.

Losses are pure functions in :mod:`pyg_moleblend.losses`. What an objective may look at is
:class:`~pyg_moleblend.nn.objectives.base.RecoveryState`. To add one, see ``docs/extending.md``.
"""

from pyg_moleblend.nn.objectives.agreement import Agreement
from pyg_moleblend.nn.objectives.angle import AngleRecovery
from pyg_moleblend.nn.objectives.base import Objective, Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.denoising import Denoising
from pyg_moleblend.nn.objectives.recover import Recover
from pyg_moleblend.nn.objectives.recovery import BondPathRecovery, DisplacementRecovery, DistanceRecovery, SPDRecovery
from pyg_moleblend.nn.objectives.similarity import Similarity
from pyg_moleblend.nn.objectives.torsion import TorsionRecovery

__all__ = [
    "Agreement",
    "AngleRecovery",
    "BondPathRecovery",
    "Denoising",
    "DisplacementRecovery",
    "DistanceRecovery",
    "Objective",
    "Outcome",
    "Quality",
    "Recover",
    "RecoveryState",
    "SPDRecovery",
    "Similarity",
    "TorsionRecovery",
]
