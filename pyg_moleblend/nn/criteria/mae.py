from __future__ import annotations

from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion, one_sided


@register
class MAE(Criterion):
    r"""The absolute error, whose best prediction is the median: a few labels that are far off hardly count. Of a bound
    it is taken where that is violated."""

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return (outputs[..., 0] - labels).abs()

    def bound_loss(self, outputs: Tensor, bounds: Tensor, side: Tensor) -> Tensor:
        return one_sided(self.loss(outputs, bounds), outputs[..., 0], bounds, side)
