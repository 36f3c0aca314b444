from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pyg_moleblend.fields import MAX_PATH_LENGTH, BondVocabulary
from pyg_moleblend.nn.attention_bias import RelationBlend, shut_padded_keys
from pyg_moleblend.nn.gaussian_basis import GaussianBasis, pair_distances
from pyg_moleblend.nn.layer import MoleBlendLayer
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.relations.bond_path import BondPathBias
from pyg_moleblend.nn.relations.distance import GAUSSIANS, DistanceBias
from pyg_moleblend.nn.relations.spd import SPDBias
from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.dense import atom_mask, num_atoms, scatter_atoms
from pyg_moleblend.utils.layout import dense_coordinates, dense_relations


class MoleBlendConv(nn.Module):
    r"""A MoleBLEND layer with its own relation biases, sparse in and sparse out, for models of any kind: in
    :class:`torch_geometric.nn.Sequential`, or beside :class:`~torch_geometric.nn.GPSConv`.

    Attention runs over all pairs of atoms of a molecule, biased by shortest path, bonds along it and, when
    coordinates are given, distance (arXiv 2307.06235, section 3.3), or by relations of your own. There is no graph
    token.

    Args:
        channels: C.
        heads: H, a divisor of C.
        num_gaussians: K, the width of the distances' Gaussian basis.
        max_path_length: P, the bonds of a path that are looked at.
        num_types: Number of atom types of the Gaussian basis; 1 treats all atoms alike.
        bond_vocabulary: What ``edge_attr`` holds: ``"ogb"``, or so many categories.
        relations: Bias of each relation by name, instead of the three.
        layer_kwargs: Further arguments of :class:`MoleBlendLayer`.

    Shapes:
        - **input:** node features ``[ΣN, C]``, ``edge_index`` ``[2, ΣE]``, ``edge_attr`` ``[ΣE, 3]`` (OGB's bond
          features; without them, all bonds are alike), ``batch`` ``[ΣN]``, ``pos`` ``[ΣN, 3]`` in Å (molecules with
          a NaN row have no distance bias), ``atom_type`` ``[ΣN]`` int64 below ``num_types``
        - **output:** ``[ΣN, C]``
    """

    def __init__(
        self,
        channels: int,
        heads: int,
        num_gaussians: int = 32,
        max_path_length: int = MAX_PATH_LENGTH,
        num_types: int = 1,
        bond_vocabulary: BondVocabulary = "ogb",
        relations: Mapping[str, RelationBias] | None = None,
        **layer_kwargs: Any,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.heads = heads
        self.max_path_length = max_path_length
        self.gaussians = GaussianBasis(num_gaussians, num_types)
        if relations is None:
            relations = {
                "spd": SPDBias(heads),
                "bond_path": BondPathBias(heads, max_path_length, bond_vocabulary),
                "distance": DistanceBias(heads, num_gaussians),
            }
        self.bond_vocabulary = bond_vocabulary
        self.blend = RelationBlend(relations)
        self.layer = MoleBlendLayer(channels, heads, **layer_kwargs)

    def reset_parameters(self) -> None:
        self.gaussians.reset_parameters()
        self.blend.reset_parameters()
        self.layer.reset_parameters()

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        pos: Tensor | None = None,
        atom_type: Tensor | None = None,
    ) -> Tensor:
        mask = atom_mask(num_atoms(batch, x.size(0), device=x.device))
        molecules = self._relate(mask, edge_index, edge_attr, batch, pos, atom_type)
        bias = shut_padded_keys(self.blend(molecules), mask)
        return self.layer(scatter_atoms(x, mask), bias)[mask]

    def _relate(
        self,
        mask: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None,
        batch: Tensor | None,
        pos: Tensor | None,
        atom_type: Tensor | None,
    ) -> DenseMolecules:
        types = torch.zeros_like(mask, dtype=torch.long) if atom_type is None else scatter_atoms(atom_type, mask)
        pos, has_3d = dense_coordinates(pos, mask)
        relations = dense_relations(edge_index, edge_attr, mask, batch, self.max_path_length, self.bond_vocabulary)
        return DenseMolecules(
            x=types[..., None],
            mask=mask,
            degree=(relations["spd"] == 1).sum(1),
            pos=pos,
            has_2d=torch.ones_like(has_3d),
            has_3d=has_3d,
            pairs={**relations, GAUSSIANS: self.gaussians(pair_distances(pos), types)},
            atoms={},
            graphs={},
        )

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.channels}, heads={self.heads})"
