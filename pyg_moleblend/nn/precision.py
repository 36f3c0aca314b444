from __future__ import annotations

import torch
from torch import Tensor, nn


def full_precision(value: Tensor) -> Tensor:
    r"""The tensor in float32, or as it is where it is more precise."""
    return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value


class LayerNorm(nn.LayerNorm):
    r"""Layer normalisation computed in float32 whatever the input's type, which is also the output's."""

    def forward(self, input: Tensor) -> Tensor:
        value, weight, bias = full_precision(input), full_precision(self.weight), full_precision(self.bias)
        return nn.functional.layer_norm(value, self.normalized_shape, weight, bias, self.eps).to(input.dtype)
