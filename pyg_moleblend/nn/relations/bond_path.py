from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.fields import (
    BOND_FEATURE_SIZES,
    MAX_PATH_LENGTH,
    BondVocabulary,
    bond_class_features,
    num_bond_classes,
)
from pyg_moleblend.nn.look_up import sum_of_rows
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules


@register
class BondPathBias(RelationBias):
    r"""Bias from the bonds along the shortest path (arXiv 2106.05234, section 3.1.3; arXiv 2307.06235, section 3.1).

    A bond's vector is the mean over its features' vectors; hop h multiplies it by its own H × H matrix; the bias
    is the sum over hops divided by their number. Few bonds exist (60 with OGB's features), so all products are taken
    once a forward, and the bias is a sum of P look-ups.

    Args:
        heads: H.
        max_path_length: P. (default: :obj:`5`)
        bond_vocabulary: ``"ogb"``, OGB's three bond features, or the number of categories of bonds that have one.
            (default: :obj:`"ogb"`)
    """

    pair_fields = ("bond_path", "spd")

    def __init__(
        self, heads: int, max_path_length: int = MAX_PATH_LENGTH, bond_vocabulary: BondVocabulary = "ogb"
    ) -> None:
        super().__init__()
        check_sizes(heads=heads, max_path_length=max_path_length)
        size = num_bond_classes(bond_vocabulary)
        self.max_path_length = max_path_length
        self.bond_vocabulary = bond_vocabulary
        self.features = nn.Embedding(sum(BOND_FEATURE_SIZES) if bond_vocabulary == "ogb" else size, heads)
        self.hops = nn.Parameter(torch.empty(max_path_length, heads, heads))
        offsets = torch.tensor([0, BOND_FEATURE_SIZES[0], sum(BOND_FEATURE_SIZES[:2])])
        rows = bond_class_features() + offsets if bond_vocabulary == "ogb" else torch.arange(size)[:, None]
        self.register_buffer("rows", rows, persistent=False)  # [classes, features]
        self.rows: Tensor
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.features.weight, std=INIT_STD)
        nn.init.normal_(self.hops, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        path, spd = molecules.pairs["bond_path"][..., : self.max_path_length], molecules.pairs["spd"]
        P = path.size(-1)
        table = self.features(self.rows).mean(1) @ self.hops  # [P, classes, H]
        table = F.pad(table, (0, 0, 1, 0)).flatten(0, 1)  # [P * (1 + classes), H], no bond contributes zero
        hop = torch.arange(P, device=path.device) * (self.rows.size(0) + 1)
        bias = sum_of_rows(path.long() + hop, table)  # [B, N, N, H]
        return (bias / spd.long().clamp(min=1, max=P)[..., None]).permute(0, 3, 1, 2)
