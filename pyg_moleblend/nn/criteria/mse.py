from __future__ import annotations

from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion, one_sided


@register
class MSE(Criterion):
    r"""The squared error, as published (arXiv 2307.06235, section 4.2); of a bound where it is violated."""

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return (outputs[..., 0] - labels).square()

    def bound_loss(self, outputs: Tensor, bounds: Tensor, side: Tensor) -> Tensor:
        return one_sided(self.loss(outputs, bounds), outputs[..., 0], bounds, side)
