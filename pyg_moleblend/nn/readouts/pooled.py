from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.readouts.base import Readout
from pyg_moleblend.utils import DenseMolecules


@register
class PooledReadout(Readout):
    r"""The graph token, the mean of the atoms' states, and their sum over a fixed number: size counts for some
    properties.

    Args:
        channels: C.
        sum_scale: What the sum is divided by; 10 brings it to the size of the mean for drug-like molecules.
            (default: :obj:`10.0`)
    """

    def __init__(self, channels: int, sum_scale: float = 10.0) -> None:
        super().__init__()
        if not sum_scale > 0:
            raise ValueError(f"`sum_scale` must be positive, got {sum_scale}")
        self.out_channels = 3 * channels
        self.sum_scale = sum_scale

    def forward(self, output: Any, molecules: DenseMolecules) -> Tensor:
        atoms = torch.where(molecules.mask[..., None], output.atoms, torch.zeros_like(output.atoms))
        total = atoms.sum(1)  # [B, C]
        count = molecules.mask.sum(1, keepdim=True)
        return torch.cat([output.graph, total / count, total / self.sum_scale], -1)
