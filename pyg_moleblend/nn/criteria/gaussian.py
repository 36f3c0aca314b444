from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion

LEAST_STD = 1e-3
r"""In standard deviations of the training labels; the loss of a label that is met exactly has a least value so."""


@register
class Gaussian(Criterion):
    r"""The negative log likelihood of a normal distribution whose mean and standard deviation the model gives
    ("Estimating the mean and variance of the target probability distribution", Nix and Weigend, 1994).

    Of a bound it is that of the tail beyond it ("Estimation of Relationships for Limited Dependent Variables", Tobin,
    1958).
    """

    outputs = 2

    def std(self, outputs: Tensor) -> Tensor:
        return F.softplus(outputs[..., 1]) + LEAST_STD

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        std = self.std(outputs)
        return 0.5 * ((labels - outputs[..., 0]) / std).square() + std.log() + 0.5 * math.log(2 * math.pi)

    def bound_loss(self, outputs: Tensor, bounds: Tensor, side: Tensor) -> Tensor:
        reach = side * (outputs[..., 0] - bounds) / self.std(outputs)
        return -torch.special.log_ndtr(reach.double()).to(outputs.dtype)  # whose float32 gradient is 0 far off
