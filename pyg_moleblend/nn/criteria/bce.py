from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion


@register
class BCE(Criterion):
    r"""The cross entropy of labels 0 and 1, as published (arXiv 2307.06235, section 4.2)."""

    kinds = ("classification",)

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs[..., 0], labels, reduction="none")
