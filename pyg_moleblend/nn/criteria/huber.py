from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion, one_sided


@register
class Huber(Criterion):
    r"""Half the squared error up to ``delta``, beyond it a straight line ("Robust Estimation of a Location Parameter",
    Huber, 1964). Of a bound it is taken where that is violated.

    Args:
        delta: Where the line begins, in standard deviations of the training labels. (default: :obj:`1.0`)

    Raises:
        ValueError: If it is not positive.
    """

    def __init__(self, delta: float = 1.0) -> None:
        super().__init__()
        if not (isinstance(delta, (int, float)) and delta > 0):
            raise ValueError(f"`delta` must be positive, got {delta}")
        self.delta = delta

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return F.huber_loss(outputs[..., 0], labels, reduction="none", delta=self.delta)

    def bound_loss(self, outputs: Tensor, bounds: Tensor, side: Tensor) -> Tensor:
        return one_sided(self.loss(outputs, bounds), outputs[..., 0], bounds, side)
