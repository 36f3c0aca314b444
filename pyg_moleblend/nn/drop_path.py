from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    r"""Stochastic depth: in training, drops the residual branch of a whole molecule (arXiv 1603.09382).

    Args:
        probability: Probability with which a molecule's branch is dropped; the others are scaled up.
            (default: :obj:`0.0`)
    """

    def __init__(self, probability: float = 0.0) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise ValueError(f"`probability` must lie in [0, 1), got {probability}")
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0:
            return x
        keep = 1 - self.probability
        kept = torch.rand(x.size(0), *[1] * (x.dim() - 1), device=x.device) < keep
        return x * kept / keep

    def extra_repr(self) -> str:
        return f"probability={self.probability}"
