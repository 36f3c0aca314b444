from __future__ import annotations

import torch
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.internal_coordinates import bond_angles


@register
class AngleBias(RelationBias):
    r"""Bias from the bond angle θ of two atoms with a neighbour in common: a learned cosine series,
    :math:`\sum_k w_k \cos k\theta`.

    Bond angles are what the bond-angle graphs of GEM (doi 10.1038/s42256-021-00438-4) and 3D-Mol (arXiv 2309.17366)
    hold. Here they enter for pairs whose shortest path has two bonds; all other pairs have the bias 0. Where several
    atoms lie between the two, as across a ring of four, θ is the angle whose cosine is the mean of theirs: that does
    not depend on the order of the atoms. The series is a polynomial of the cosine, so it is smooth at 0° and 180° too.

    Which atoms are two bonds apart follows from ``spd``: also with ``modality="3d"`` a model with this relation looks
    at the bonds. A cloud of points without bonds has no angles.

    Args:
        heads: H.
        num_cosines: K, terms of the series; k runs from 0 to K - 1. (default: :obj:`8`)
    """

    modality = "3d"
    pair_fields = ("spd",)

    def __init__(self, heads: int, num_cosines: int = 8) -> None:
        super().__init__()
        check_sizes(heads=heads, num_cosines=num_cosines)
        self.weight = nn.Parameter(torch.empty(num_cosines, heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        angles = bond_angles(molecules.pos, molecules.pairs["spd"], molecules.mask)
        terms = [torch.ones_like(angles.cosine), angles.cosine]
        for _ in range(len(self.weight) - 2):
            terms.append(2 * angles.cosine * terms[-1] - terms[-2])  # cos kθ, by Chebyshev's recurrence
        basis = torch.stack(terms[: len(self.weight)], dim=-1) * angles.defined[..., None]  # [B, N, N, K]
        return (basis.to(self.weight.dtype) @ self.weight).permute(0, 3, 1, 2)
