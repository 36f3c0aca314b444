from __future__ import annotations

import torch
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import reset_linear
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules


@register
class RandomWalkBias(RelationBias):
    r"""Bias from random walks along the bonds: a linear map of the probabilities that a walk from the first atom is at
    the second after 1, 2, ... K steps.

    These are the relative random walk probabilities (RRWP) of Ma et al. 2023 (arXiv 2305.17589) without step 0; an
    atom's own entries are its return probabilities (RWSE), the structural encoding of Dwivedi et al. 2022 (arXiv
    2110.07875). An atom without bonds walks nowhere: all its probabilities are 0.

    Args:
        heads: H.
        num_steps: K. (default: :obj:`8`)
    """

    pair_fields = ("spd",)

    def __init__(self, heads: int, num_steps: int = 8) -> None:
        super().__init__()
        check_sizes(heads=heads, num_steps=num_steps)
        self.linear = nn.Linear(num_steps, heads)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        reset_linear(self.linear)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        weight = self.linear.weight
        kind = torch.promote_types(weight.dtype, torch.float32)
        walks = walk_probabilities(molecules.pairs["spd"], molecules.mask, self.linear.in_features, kind)
        return self.linear(walks.to(weight.dtype)).permute(0, 3, 1, 2)


@torch.no_grad()
def walk_probabilities(spd: Tensor, mask: Tensor, num_steps: int, dtype: torch.dtype = torch.float32) -> Tensor:
    r"""Probability that a random walk from the first atom is at the second after each number of steps.

    Args:
        spd: Shortest-path distances, ``[B, N, N]``.
        mask: True for real atoms, ``[B, N]``.
        num_steps: K.
        dtype: Type of the result.

    Returns:
        ``[B, N, N, K]``, step 1 first.
    """
    bonds = ((spd == 1) & mask[:, :, None] & mask[:, None, :]).to(dtype)
    step = bonds / bonds.sum(2, keepdim=True).clamp(min=1)
    walks = [step]
    with torch.autocast(step.device.type, enabled=False):
        for _ in range(num_steps - 1):
            walks.append(walks[-1] @ step)
    return torch.stack(walks, dim=-1)
