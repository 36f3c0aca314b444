from __future__ import annotations

import torch
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.fields import SPD_UNREACHABLE
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules


@register
class ResistanceBias(RelationBias):
    r"""Bias from the resistance distance of two atoms: the effective resistance between them, every bond being a
    resistor of one ohm (Klein & Randić 1993, doi 10.1007/BF01164627).

    In a tree it is the number of bonds between the atoms. Each further way between them makes it smaller, so it tells
    ring atoms from chain atoms where the shortest path does not. The bias is a learned, piecewise linear function of
    it, and a learned number for atoms of different fragments.

    It is computed from ``spd`` on the device: that takes less time than the look-ups of the bias.

    Args:
        heads: H.
        max_resistance: Atoms further apart, in ohm, share the last value. (default: :obj:`32`)
        steps: Pieces of the function for each ohm; with 1 and without rings it is that of
            :class:`~pyg_moleblend.nn.SPDBias`. (default: :obj:`4`)
    """

    pair_fields = ("spd",)

    def __init__(self, heads: int, max_resistance: int = 32, steps: int = 4) -> None:
        super().__init__()
        check_sizes(heads=heads, max_resistance=max_resistance, steps=steps)
        self.steps = steps
        self.table = nn.Embedding(max_resistance * steps + 1, heads)  # at 0, 1 / steps, 2 / steps, ... ohm
        self.apart = nn.Parameter(torch.empty(heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.table.weight, std=INIT_STD)
        nn.init.normal_(self.apart, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        spd = molecules.pairs["spd"]
        last = self.table.num_embeddings - 1
        place = (resistance(spd, molecules.mask) * self.steps).clamp(max=last)
        below = place.floor()
        share = (place - below)[..., None].to(self.table.weight.dtype)
        below = below.long()
        bias = torch.lerp(self.table(below), self.table((below + 1).clamp(max=last)), share)
        return torch.where((spd == SPD_UNREACHABLE)[..., None], self.apart, bias).permute(0, 3, 1, 2)


@torch.no_grad()
def resistance(spd: Tensor, mask: Tensor) -> Tensor:
    r"""Resistance distance of each pair of atoms in ohm, ``[B, N, N]`` float64; 0 between fragments and where padded.

    With L the Laplacian of a fragment of n atoms and J its matrix of ones, L + J / n has the eigenvectors of L, and
    can be inverted; J drops out of the resistance. So one inverse of a positive definite matrix serves all fragments.

    Args:
        spd: Shortest-path distances, ``[B, N, N]``.
        mask: True for real atoms, ``[B, N]``.
    """
    real = mask[:, :, None] & mask[:, None, :]
    bonds = ((spd == 1) & real).double()
    fragment = ((spd != SPD_UNREACHABLE) & real).double()
    diagonal = bonds.sum(2) + (~mask).double()  # padded atoms are fragments of their own
    size = fragment.sum(2, keepdim=True).clamp(min=1)
    inverse, _ = torch.linalg.inv_ex(torch.diag_embed(diagonal) - bonds + fragment / size)
    potential = inverse.diagonal(dim1=1, dim2=2)
    found = potential[:, :, None] + potential[:, None, :] - inverse - inverse.mT
    return found.clamp(min=0) * fragment
