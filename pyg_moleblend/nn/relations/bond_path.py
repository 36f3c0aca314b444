from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.fields import BOND_FEATURE_SIZES, MAX_PATH_LENGTH, bond_class_features
from pyg_moleblend.nn.precision import INIT_STD
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.utils import DenseMolecules


class BondPathBias(RelationBias):
    r"""Bias from the bonds along the shortest path (arXiv 2106.05234, section 3.1.3; arXiv 2307.06235, section 3.1).

    A bond's vector is the mean over its features' vectors; hop h multiplies it by its own H × H matrix; the bias
    is the sum over hops divided by their number. Only 60 bonds exist, so all products are taken once a forward
    and the bias is a sum of P look-ups.

    Args:
        heads: H.
        max_path_length: P.
    """

    pair_fields = ("bond_path", "spd")

    def __init__(self, heads: int, max_path_length: int = MAX_PATH_LENGTH) -> None:
        super().__init__()
        self.max_path_length = max_path_length
        self.features = nn.Embedding(sum(BOND_FEATURE_SIZES), heads)
        self.hops = nn.Parameter(torch.empty(max_path_length, heads, heads))
        offsets = torch.tensor([0, BOND_FEATURE_SIZES[0], sum(BOND_FEATURE_SIZES[:2])])
        self.register_buffer("rows", bond_class_features() + offsets, persistent=False)  # [60, 3]
        self.rows: Tensor
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.features.weight, std=INIT_STD)
        nn.init.normal_(self.hops, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        path, spd = molecules.pairs["bond_path"], molecules.pairs["spd"]
        B, N, _, P = path.shape
        table = self.features(self.rows).mean(1) @ self.hops  # [P, 60, H]
        table = F.pad(table, (0, 0, 1, 0)).flatten(0, 1)  # [P * 61, H], no bond contributes zero
        hop = torch.arange(P, device=path.device) * (self.rows.size(0) + 1)
        bias = F.embedding_bag((path.long() + hop).view(-1, P), table, mode="sum").view(B, N, N, -1)
        return (bias / spd.clamp(min=1, max=P)[..., None]).permute(0, 3, 1, 2)
