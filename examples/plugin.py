r"""Components of your own in one file: a relation, a readout, a blending, a criterion, and an objective of the whole
molecule.

Every verb of the command line takes it by ``--plugin examples/plugin.py``; in Python, import it. See
``docs/extending.md``.
"""

import math

import torch
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.losses import masked_mean
from pyg_moleblend.nn import Blend, Blending, Criterion, Objective, Quality, Readout, RecoveryState, RelationBias
from pyg_moleblend.utils import DenseMolecules


@register
class SameElementBias(RelationBias):
    r"""A learned number a head for pairs of atoms of one element."""

    def __init__(self, heads: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.zeros(heads))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        element = molecules.x[..., 0]
        same = (element[:, :, None] == element[:, None, :]).to(self.weight.dtype)  # [B, N, N]
        return self.scale * self.weight[:, None, None] * same[:, None]


@register
class SizeObjective(Objective):
    r"""Predicts the number of atoms from the graph token."""

    quality_name = "mae"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, 1)

    def forward(self, state: RecoveryState) -> Tensor:
        return self.linear(state.graph)[:, 0]

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        error = (prediction - state.molecules.mask.sum(1) / 10).abs()
        return masked_mean(error, torch.ones_like(error, dtype=torch.bool))

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        return Quality(10 * self.loss(prediction, state) * len(prediction), prediction.new_tensor(len(prediction)))


@register
class MaxReadout(Readout):
    r"""The largest value of each channel over a molecule's atoms."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels

    def forward(self, output: object, molecules: DenseMolecules) -> Tensor:
        return output.atoms.masked_fill(~molecules.mask[..., None], float("-inf")).amax(1)  # type: ignore[attr-defined]


@register
class EvenBlending(Blending):
    r"""Every relation that a molecule has is equally likely for a pair; the atoms' 3D feature always enters."""

    def draw(self, molecules, relations, generator=None) -> Blend:
        B, N = molecules.mask.shape
        has = torch.stack([molecules.available(kind) for kind in relations.values()], -1).float()  # [B, R]
        relation = torch.multinomial(has, N * N, replacement=True, generator=generator).view(B, N, N)
        return Blend(relation, torch.full_like(relation[..., 0], -2), torch.zeros_like(molecules.pos))


@register
class LogCosh(Criterion):
    r"""The logarithm of the hyperbolic cosine of the error: squared where it is small, absolute where it is large."""

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        error = (outputs[..., 0] - labels).abs()
        return error + nn.functional.softplus(-2 * error) - math.log(2)
