from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.gaussian_basis import GaussianBasis, pair_distances
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import reset_linear
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules

GAUSSIANS = "gaussians"
r"""Name of the pair field that holds the Gaussian basis of the distances, ``[B, N, N, K]``."""


@register
class DistanceBias(RelationBias):
    r"""Bias from the 3D distance: a two-layer perceptron of its Gaussian basis (arXiv 2210.01765, section 3).

    In an encoder the basis is a pair field of its own, for the atom embedding reads it too. With ``num_types`` the
    relation has a basis of its own, and works in any model.

    Args:
        heads: H.
        num_gaussians: K. (default: :obj:`64`)
        num_types: Number of atom types (``molecules.x[..., 0]``) of a basis of its own; by default it reads the
            encoder's.
    """

    modality = "3d"

    def __init__(self, heads: int, num_gaussians: int = 64, num_types: int | None = None) -> None:
        super().__init__()
        check_sizes(heads=heads, num_gaussians=num_gaussians)
        self.basis = None if num_types is None else GaussianBasis(num_gaussians, num_types)
        self.linear1 = nn.Linear(num_gaussians, num_gaussians)
        self.linear2 = nn.Linear(num_gaussians, heads)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.basis is not None:
            self.basis.reset_parameters()
        reset_linear(self.linear1)
        reset_linear(self.linear2)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        if self.basis is not None:
            gaussians = self.basis(pair_distances(molecules.pos), molecules.x[..., 0])
        elif GAUSSIANS in molecules.pairs:
            gaussians = molecules.pairs[GAUSSIANS]
        else:
            raise ValueError(
                f"DistanceBias reads the pair field {GAUSSIANS!r}, which MoleBlend and MoleBlendConv provide; "
                "elsewhere give it a basis of its own, DistanceBias(heads, num_gaussians, num_types=119)"
            )
        if gaussians.size(-1) != self.linear1.in_features:
            raise ValueError(
                f"DistanceBias was built for num_gaussians={self.linear1.in_features}, its model has "
                f"{gaussians.size(-1)}: DistanceBias(heads, num_gaussians={gaussians.size(-1)})"
            )
        gaussians = gaussians.to(self.linear1.weight.dtype)
        return self.linear2(F.gelu(self.linear1(gaussians))).permute(0, 3, 1, 2)
