from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.criteria.base import Criterion


@register
class Focal(Criterion):
    r"""The cross entropy of labels 0 and 1, each multiplied by a power of the probability that was given to the wrong
    class, so that what is right already counts less (Lin et al. 2017, arXiv 1708.02002, equation 4).

    The probabilities of such a model are drawn towards one half.

    Args:
        gamma: The power; 0 is the cross entropy. (default: :obj:`2.0`)

    Raises:
        ValueError: If it is negative.
    """

    kinds = ("classification",)

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        if not (isinstance(gamma, (int, float)) and 0 <= gamma < math.inf):
            raise ValueError(f"`gamma` must be at least 0 and finite, got {gamma}")
        self.gamma = gamma

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        logits = outputs[..., 0]
        entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        wrong = F.logsigmoid((1 - 2 * labels) * logits)  # the logarithm of the probability of the other class
        return (self.gamma * wrong).exp() * entropy
