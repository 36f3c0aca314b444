from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.nn.precision import reset_linear
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.utils import DenseMolecules

GAUSSIANS = "gaussians"
r"""Name of the pair field that holds the Gaussian basis of the distances, ``[B, N, N, K]``."""


class DistanceBias(RelationBias):
    r"""Bias from the 3D distance: a two-layer perceptron of its Gaussian basis (arXiv 2210.01765, section 3).

    The basis is a pair field of its own, for the atom embedding reads it too.

    Args:
        num_gaussians: K.
        heads: H.
    """

    modality = "3d"

    def __init__(self, num_gaussians: int, heads: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(num_gaussians, num_gaussians)
        self.linear2 = nn.Linear(num_gaussians, heads)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        reset_linear(self.linear1)
        reset_linear(self.linear2)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        gaussians = molecules.pairs[GAUSSIANS].to(self.linear1.weight.dtype)
        return self.linear2(F.gelu(self.linear1(gaussians))).permute(0, 3, 1, 2)
