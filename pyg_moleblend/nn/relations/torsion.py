from __future__ import annotations

import torch
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.internal_coordinates import torsions


@register
class TorsionBias(RelationBias):
    r"""Bias from the dihedral angle φ of two atoms three bonds apart: a learned Fourier series,
    :math:`w_0 + \sum_m (a_m \cos m\varphi + b_m \sin m\varphi)`.

    Dihedral angles are what the dihedral-angle graph of 3D-Mol holds (arXiv 2309.17366). Here they enter for pairs
    whose shortest path has three bonds; all other pairs have the bias 0. Where there are several such paths, as across
    a ring of six, the terms are their mean. The terms with φ fade as three of the atoms come to lie on a line, where φ
    loses its meaning (:class:`~pyg_moleblend.utils.internal_coordinates.Torsions`): the bias is finite and smooth
    there. Atoms with more than four bonds are the middle of no torsion.

    A reflection turns φ into -φ: cosines stay, sines change their sign. So the bias is the same for a turned and
    shifted molecule, but not for its mirror image. It is the only one of our 3D relations that tells the two apart;
    with ``sine`` zero and frozen it does not.

    Which atoms are three bonds apart follows from ``spd``: also with ``modality="3d"`` a model with this relation looks
    at the bonds.

    Args:
        heads: H.
        harmonics: M, terms of the series. (default: :obj:`3`)
    """

    modality = "3d"
    pair_fields = ("spd",)

    def __init__(self, heads: int, harmonics: int = 3) -> None:
        super().__init__()
        check_sizes(heads=heads, harmonics=harmonics)
        self.harmonics = harmonics
        self.constant = nn.Parameter(torch.empty(heads))
        self.cosine = nn.Parameter(torch.empty(harmonics, heads))
        self.sine = nn.Parameter(torch.empty(harmonics, heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        found = torsions(molecules.pos, molecules.pairs["spd"], molecules.mask, self.harmonics)
        basis = torch.cat([found.defined[..., None].to(found.vectors.dtype), found.vectors.flatten(-2)], dim=-1)
        weight = torch.cat([self.constant[None], torch.stack([self.cosine, self.sine], 1).flatten(0, 1)])  # [1 + 2M, H]
        return (basis.to(weight.dtype) @ weight).permute(0, 3, 1, 2)
