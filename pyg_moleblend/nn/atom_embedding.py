from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pyg_moleblend.components import Component, register
from pyg_moleblend.fields import ATOM_FEATURE_SIZES
from pyg_moleblend.nn.backward import touched
from pyg_moleblend.nn.blending.blend import chosen_enters
from pyg_moleblend.nn.look_up import sum_of_rows
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.nn.reset import INIT_STD, reset_linear
from pyg_moleblend.utils import DenseMolecules

MAX_DEGREE = 63
r"""Atoms of this degree and more share one degree embedding."""

GEOMETRY_FACTOR = 0.01
r"""Weight of the 3D atom feature, as in the published model."""

CHOSEN = "chosen_feature"
r"""Name of the atom field that says which feature enters for each atom, ``[B, N]`` int64, as a blend draws it."""


@register
class AtomEmbedding(Component, nn.Module):
    r"""Initial state of each atom: the sum of its features' embeddings, its degree's, and a 3D feature from the
    distances to all atoms (arXiv 2106.05234, section 3.1.1; arXiv 2210.01765, section 3).

    Any module may stand in its place whose constructor takes ``channels`` first and whose ``forward(molecules)`` gives
    ``[B, N, C]``.

    Args:
        channels (int): C.
        num_gaussians (int, optional): K, as the encoder's configuration has it. (default: :obj:`64`)
        feature_sizes (Sequence[int], optional): Number of values of each column of ``x``: :obj:`(28,)` for PyG's
            :class:`~torch_geometric.datasets.ZINC`. By default they are those of OGB's nine features.

    Shapes:
        - **input:** molecules; under a blend with the atom field :data:`CHOSEN` (0 degree, 1 distance, -1 none, below
          that as :class:`~pyg_moleblend.nn.Blend` says)
        - **output:** ``[B, N, C]``
    """

    def __init__(
        self, channels: int, num_gaussians: int = 64, feature_sizes: Sequence[int] = ATOM_FEATURE_SIZES
    ) -> None:
        super().__init__()
        if not feature_sizes or any(type(size) is not int or size < 1 for size in feature_sizes):
            raise ValueError(f"`feature_sizes` must be positive integers, at least one, got {feature_sizes!r}")
        self.feature_sizes = tuple(feature_sizes)
        self.num_types = self.feature_sizes[0]
        self.features = nn.Embedding(sum(self.feature_sizes), channels)
        self.degree = nn.Embedding(MAX_DEGREE + 1, channels)
        self.geometry = nn.Linear(num_gaussians, channels)
        sizes = torch.tensor(self.feature_sizes)
        self.register_buffer("offsets", sizes.cumsum(0) - sizes, persistent=False)
        self.offsets: Tensor
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.features.weight, std=INIT_STD)
        nn.init.normal_(self.degree.weight, std=INIT_STD)
        reset_linear(self.geometry)

    def check_shape(self, channels: int, num_gaussians: int) -> None:
        r"""Raises :class:`ValueError` unless it fits an encoder of C channels and K Gaussians."""
        own = (self.features.embedding_dim, self.geometry.in_features)
        if own != (channels, num_gaussians):
            raise ValueError(
                f"an encoder of {channels} channels and {num_gaussians} Gaussians needs "
                f"AtomEmbedding({channels}, {num_gaussians}, feature_sizes={self.feature_sizes}), got {own}"
            )

    def atom_types(self, molecules: DenseMolecules) -> Tensor:
        r"""Type of each atom for the Gaussian basis, ``[B, N]`` int64 below ``num_types``: the first feature."""
        return molecules.x[..., 0]

    def embed_features(self, molecules: DenseMolecules) -> Tensor:
        r"""Sum of the features' embeddings, ``[B, N, C]``."""
        return sum_of_rows(molecules.x + self.offsets, self.features.weight)

    def embed_degree(self, molecules: DenseMolecules) -> Tensor:
        r"""The degree's embedding, ``[B, N, C]``."""
        return self.degree(molecules.degree.clamp(max=MAX_DEGREE))

    def embed_geometry(self, molecules: DenseMolecules) -> Tensor:
        r"""The 3D feature before its factor, ``[B, N, C]``: a linear map of the summed Gaussian basis."""
        gaussians = molecules.pairs[GAUSSIANS]
        summed = (gaussians * molecules.mask[:, None, :, None]).sum(2)  # [B, N, K]
        return self.geometry(summed.to(self.geometry.weight.dtype))

    def forward(self, molecules: DenseMolecules) -> Tensor:
        atoms = self.embed_features(molecules)
        if "2d" in molecules.modalities:
            degree = self.embed_degree(molecules)
            atoms = atoms + torch.where(_enters(molecules, 0), degree, torch.zeros_like(degree))
        else:
            atoms = touched(atoms, self.degree)
        if "3d" in molecules.modalities:
            geometry = GEOMETRY_FACTOR * self.embed_geometry(molecules)
            return atoms + torch.where(_enters(molecules, 1), geometry, torch.zeros_like(geometry))
        return touched(atoms, self.geometry)


def _enters(molecules: DenseMolecules, number: int) -> Tensor:
    r"""Atoms for which a feature enters, ``[B, N, 1]``."""
    modality = ("2d", "3d")[number]
    enters = molecules.available(modality)[:, None]  # [B, 1]
    if CHOSEN in molecules.atoms:
        enters = enters & chosen_enters(molecules.atoms[CHOSEN], number, modality)
    return enters[..., None]
