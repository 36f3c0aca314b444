from __future__ import annotations

import torch
from torch import Tensor, nn

INIT_STD = 0.02
r"""Standard deviation of fresh weights, as in the published model."""


def reset_linear(linear: nn.Linear) -> None:
    r"""Weights from N(0, 0.02²), bias zero."""
    nn.init.normal_(linear.weight, std=INIT_STD)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


def full_precision(value: Tensor) -> Tensor:
    r"""The tensor in float32, or as it is where it is more precise."""
    return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value


class LayerNorm(nn.LayerNorm):
    r"""Layer normalisation computed in float32 whatever the input's type, which is also the output's."""

    def forward(self, input: Tensor) -> Tensor:
        value, weight, bias = full_precision(input), full_precision(self.weight), full_precision(self.bias)
        return nn.functional.layer_norm(value, self.normalized_shape, weight, bias, self.eps).to(input.dtype)
