r"""Which relation enters for which pair of atoms: draws that can be replayed (arXiv 2307.06235, section 3.2).

A blending is a component: to write one, subclass :class:`Blending`. What a relation is stands next door, in
:mod:`pyg_moleblend.nn.relations`.
"""

from pyg_moleblend.nn.blending.base import Blending
from pyg_moleblend.nn.blending.blend import Blend, check_blend, chosen_enters, constant_blend
from pyg_moleblend.nn.blending.molecule import MixedBlending, MoleculeBlending
from pyg_moleblend.nn.blending.pair import BatchBlending, PairBlending

__all__ = [
    "BatchBlending",
    "Blend",
    "Blending",
    "MixedBlending",
    "MoleculeBlending",
    "PairBlending",
    "check_blend",
    "chosen_enters",
    "constant_blend",
]
