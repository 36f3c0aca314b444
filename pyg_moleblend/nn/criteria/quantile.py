from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion


@register
class Quantile(Criterion):
    r"""The pinball losses of the median and of two quantiles about it, their mean ("Regression Quantiles", Koenker and
    Bassett, 1978).

    The prediction is the median. The quantiles are the ends of an interval that may be wider on one side, and wider for
    some molecules; calibrated, it is conformalised quantile regression (Romano et al. 2019, arXiv 1905.03222). They do
    not cross: each is given by its distance from the median.

    Args:
        level: Share of the labels that is to lie between the two quantiles. (default: :obj:`0.9`)

    Raises:
        ValueError: If it is not between 0 and 1.
    """

    outputs = 3

    def __init__(self, level: float = 0.9) -> None:
        super().__init__()
        if not (isinstance(level, (int, float)) and 0 < level < 1):
            raise ValueError(f"`level` must be between 0 and 1, 0.9 say, got {level}")
        self.level = level

    def quantiles(self, outputs: Tensor) -> Tensor:
        r"""The lower quantile, the median and the upper one, ``[B, T, 3]``, of outputs of this shape."""
        median, below, above = outputs.unbind(-1)
        return torch.stack([median - F.softplus(below), median, median + F.softplus(above)], -1)

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        shares = outputs.new_tensor([(1 - self.level) / 2, 0.5, (1 + self.level) / 2])
        excess = labels[..., None] - self.quantiles(outputs)
        return torch.maximum(shares * excess, (shares - 1) * excess).mean(-1)

    def interval(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        lower, _, upper = self.quantiles(outputs).unbind(-1)
        return lower, upper
