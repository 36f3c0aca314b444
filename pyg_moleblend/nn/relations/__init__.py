r"""Relations between atoms, one attention bias a file. To add one, see ``docs/extending.md``.

A bias is a function of a molecule's fields. Which of them enters for a pair is decided next door, in
:mod:`pyg_moleblend.nn.blending`, and what is predicted back in :mod:`pyg_moleblend.nn.objectives`.
"""

from pyg_moleblend.nn.relations.angle import AngleBias
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.relations.bond_path import BondPathBias
from pyg_moleblend.nn.relations.distance import DistanceBias
from pyg_moleblend.nn.relations.fragment import FragmentBias
from pyg_moleblend.nn.relations.random_walk import RandomWalkBias
from pyg_moleblend.nn.relations.resistance import ResistanceBias
from pyg_moleblend.nn.relations.ring import RingBias
from pyg_moleblend.nn.relations.spd import SPDBias
from pyg_moleblend.nn.relations.torsion import TorsionBias

__all__ = [
    "AngleBias",
    "BondPathBias",
    "DistanceBias",
    "FragmentBias",
    "RandomWalkBias",
    "RelationBias",
    "ResistanceBias",
    "RingBias",
    "SPDBias",
    "TorsionBias",
]
