from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pyg_moleblend.fields import ATOM_FEATURE_SIZES
from pyg_moleblend.nn.precision import full_precision

# The published model writes its normal density with this value, and its weights are trained with it.
_PI = 3.14159


def pair_distances(pos: Tensor) -> Tensor:
    r"""Distances of all pairs, ``[B, N, 3]`` to ``[B, N, N]``, with a zero gradient where two atoms coincide."""
    squared = (pos[:, :, None, :] - pos[:, None, :, :]).square().sum(-1)
    coincide = squared == 0
    return squared.masked_fill(coincide, 1.0).sqrt().masked_fill(coincide, 0.0)


class GaussianBasis(nn.Module):
    r"""Expands each distance in normal densities, after an affine map that depends on the pair of elements:
    :math:`g_k(i,j) = \mathcal{N}(\gamma_{ij} d_{ij} + \beta_{ij};\, \mu_k, |\sigma_k| + 0.01)`
    (arXiv 2210.01765, section 3).

    Both γ and β are the sum of a term for the first and one for the second atom's type. The basis is computed
    in float32 at least.

    Args:
        num_gaussians (int): K.
        num_types (int, optional): Number of atom types, by default OGB's elements. (default: :obj:`119`)

    Shapes:
        - **input:** distances in Å ``[B, N, N]``, atom types ``[B, N]``
        - **output:** ``[B, N, N, K]``
    """

    def __init__(self, num_gaussians: int, num_types: int = ATOM_FEATURE_SIZES[0]) -> None:
        super().__init__()
        self.means = nn.Parameter(torch.empty(num_gaussians))
        self.stds = nn.Parameter(torch.empty(num_gaussians))
        self.scale = nn.Parameter(torch.empty(2, num_types))
        self.shift = nn.Parameter(torch.empty(2, num_types))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.means, 0, 3)
        nn.init.uniform_(self.stds, 0, 3)
        nn.init.ones_(self.scale)
        nn.init.zeros_(self.shift)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.means.numel()}, num_types={self.scale.size(1)})"

    def forward(self, distance: Tensor, atom_type: Tensor) -> Tensor:
        scale, shift, means, stds = map(full_precision, (self.scale, self.shift, self.means, self.stds))
        gamma = scale[0][atom_type][:, :, None] + scale[1][atom_type][:, None, :]  # [B, N, N]
        beta = shift[0][atom_type][:, :, None] + shift[1][atom_type][:, None, :]
        sigma = stds.abs() + 0.01
        value = (gamma * distance.to(gamma.dtype) + beta)[..., None]
        # Below e^-80 the density would be a denormal number: worthless, and many times slower.
        exponent = (-0.5 * ((value - means) / sigma).square()).clamp(min=-80)
        return exponent.exp() / (math.sqrt(2 * _PI) * sigma)
