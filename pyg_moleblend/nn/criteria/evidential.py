from __future__ import annotations

import math
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion

_LEAST = 1e-3


class NormalInverseGamma(NamedTuple):
    r"""A distribution of means and variances, each ``[B, T]``; the letters are those of arXiv 1910.02600.

    Attributes:
        gamma: The mean of the means.
        nu: Above 0: of how many labels the mean is known.
        alpha: Above 1: of half as many the variance is.
        beta: Above 0: the scale of the variance.
    """

    gamma: Tensor
    nu: Tensor
    alpha: Tensor
    beta: Tensor


@register
class Evidential(Criterion):
    r"""The negative log likelihood of labels whose mean and variance are themselves distributed, with a penalty on
    evidence for what was wrong (Amini et al. 2020, arXiv 1910.02600, equations 8 to 10).

    The standard deviation holds both the spread of labels and the doubt about their mean.

    Args:
        penalty: Weight of the penalty, the paper's λ. (default: :obj:`0.2`)

    Raises:
        ValueError: If it is negative.
    """

    outputs = 4

    def __init__(self, penalty: float = 0.2) -> None:
        super().__init__()
        if not (isinstance(penalty, (int, float)) and 0 <= penalty < math.inf):
            raise ValueError(f"`penalty` must be at least 0 and finite, got {penalty}")
        self.penalty = penalty

    def distribution(self, outputs: Tensor) -> NormalInverseGamma:
        r"""The distribution that outputs ``[B, T, 4]`` stand for."""
        gamma, nu, alpha, beta = outputs.unbind(-1)
        nu, alpha, beta = (F.softplus(value) + _LEAST for value in (nu, alpha, beta))
        return NormalInverseGamma(gamma, nu, 1 + alpha, beta)

    def std(self, outputs: Tensor) -> Tensor:
        _, nu, alpha, beta = self.distribution(outputs)
        return (beta * (1 + 1 / nu) / (alpha - 1)).sqrt()

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        gamma, nu, alpha, beta = self.distribution(outputs)
        omega = 2 * beta * (1 + nu)
        likelihood = (
            0.5 * (math.pi / nu).log()
            - alpha * omega.log()
            + (alpha + 0.5) * (nu * (labels - gamma).square() + omega).log()
            + alpha.lgamma()
            - (alpha + 0.5).lgamma()
        )
        return likelihood + self.penalty * (labels - gamma).abs() * (2 * nu + alpha)
