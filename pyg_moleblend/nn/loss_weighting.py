from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from pyg_moleblend.components import Component, register


class LossWeighting(Component, nn.Module, ABC):
    r"""How the losses of several objectives become one number to minimise."""

    @abstractmethod
    def forward(self, losses: Mapping[str, Tensor]) -> Tensor:
        r"""The total, a scalar, which follows from losses and parameters alone: a step of training may ask repeatedly.

        Args:
            losses: Loss of each objective by name, scalars.
        """

    def check(self, names: Sequence[str]) -> None:
        r"""Raises :class:`ValueError` unless the weighting fits objectives of these names."""


@register
class FixedWeights(LossWeighting):
    r"""The weighted sum of the losses.

    Args:
        weights: Weight of each objective by name.

    Raises:
        ValueError: If a weight is negative or not finite.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        bad = {
            name: weight
            for name, weight in weights.items()
            if not isinstance(weight, (int, float)) or not 0 <= weight < math.inf
        }
        if bad:
            raise ValueError(f"`loss_weights` must be at least 0 and finite, got {bad}")
        self.weights = dict(weights)

    def check(self, names: Sequence[str]) -> None:
        if unknown := sorted(set(self.weights) - set(names)):
            raise ValueError(f"`loss_weights` names {unknown}, but the objectives are {list(names)}")
        if missing := sorted(set(names) - set(self.weights)):
            raise ValueError(f"`loss_weights` has no weight for the objectives {missing}, got {self.weights}")

    def forward(self, losses: Mapping[str, Tensor]) -> Tensor:
        weighted = [self.weights[name] * loss for name, loss in losses.items()]
        return sum(weighted[1:], start=weighted[0])


@register
class UncertaintyWeights(LossWeighting):
    r"""Learned weights: each loss is divided by a learned variance, whose logarithm is added (Kendall et al. 2018,
    arXiv 1705.07115, section 3).

    Args:
        names: Names of the objectives.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        self.log_variances = nn.Parameter(torch.zeros(len(self.names)))

    def reset_parameters(self) -> None:
        r"""Sets all variances to 1."""
        nn.init.zeros_(self.log_variances)

    def check(self, names: Sequence[str]) -> None:
        if set(names) != set(self.names):
            raise ValueError(f"`names` of the weights must be those of the objectives {list(names)}, got {self.names}")

    def forward(self, losses: Mapping[str, Tensor]) -> Tensor:
        stacked = torch.stack([losses[name] for name in self.names])
        return (stacked * (-self.log_variances).exp() + self.log_variances).sum()
