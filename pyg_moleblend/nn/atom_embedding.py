from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.fields import ATOM_FEATURE_SIZES
from pyg_moleblend.nn.precision import INIT_STD, reset_linear
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.utils import DenseMolecules

MAX_DEGREE = 63
r"""Atoms of this degree and more share one degree embedding."""

GEOMETRY_FACTOR = 0.01
r"""Weight of the 3D atom feature, as in the published model."""


class AtomEmbedding(nn.Module):
    r"""Initial state of each atom: the sum of its features' embeddings, its degree's, and a 3D feature from the
    distances to all atoms (arXiv 2106.05234, section 3.1.1; arXiv 2210.01765, section 3).

    Args:
        channels: C.
        num_gaussians: K.

    Shapes:
        - **input:** molecules; optionally the feature that is to enter for each atom, ``[B, N]`` int64
          (0 degree, 1 distance)
        - **output:** ``[B, N, C]``
    """

    def __init__(self, channels: int, num_gaussians: int) -> None:
        super().__init__()
        self.features = nn.Embedding(sum(ATOM_FEATURE_SIZES), channels)
        self.degree = nn.Embedding(MAX_DEGREE + 1, channels)
        self.geometry = nn.Linear(num_gaussians, channels)
        sizes = torch.tensor(ATOM_FEATURE_SIZES)
        self.register_buffer("offsets", sizes.cumsum(0) - sizes, persistent=False)
        self.offsets: Tensor
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.features.weight, std=INIT_STD)
        nn.init.normal_(self.degree.weight, std=INIT_STD)
        reset_linear(self.geometry)

    def embed_features(self, molecules: DenseMolecules) -> Tensor:
        r"""Sum of the nine features' embeddings, ``[B, N, C]``."""
        B, N, num_features = molecules.x.shape
        rows = (molecules.x + self.offsets).view(-1, num_features)
        return F.embedding_bag(rows, self.features.weight, mode="sum").view(B, N, -1)

    def embed_degree(self, molecules: DenseMolecules) -> Tensor:
        r"""The degree's embedding, ``[B, N, C]``."""
        return self.degree(molecules.degree.clamp(max=MAX_DEGREE))

    def embed_geometry(self, molecules: DenseMolecules) -> Tensor:
        r"""The 3D feature before its factor, ``[B, N, C]``: a linear map of the summed Gaussian basis."""
        gaussians = molecules.pairs[GAUSSIANS]
        summed = (gaussians * molecules.mask[:, None, :, None]).sum(2)  # [B, N, K]
        return self.geometry(summed.to(self.geometry.weight.dtype))

    def forward(self, molecules: DenseMolecules, chosen: Tensor | None = None) -> Tensor:
        by_degree, by_geometry = molecules.has_2d[:, None], molecules.has_3d[:, None]  # [B, 1]
        if chosen is not None:
            by_degree, by_geometry = by_degree & (chosen == 0), by_geometry & (chosen == 1)  # [B, N]
        degree, geometry = self.embed_degree(molecules), GEOMETRY_FACTOR * self.embed_geometry(molecules)
        atoms = self.embed_features(molecules)
        atoms = atoms + torch.where(by_degree[..., None], degree, torch.zeros_like(degree))
        return atoms + torch.where(by_geometry[..., None], geometry, torch.zeros_like(geometry))
