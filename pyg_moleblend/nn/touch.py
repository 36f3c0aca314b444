from __future__ import annotations

import torch
from torch import Tensor, nn


def touched(value: Tensor, *modules: nn.Module) -> Tensor:
    r"""The value as it is; in training, its graph holds the parameters of modules that did not run, with gradient zero.

    Data parallel training waits for a gradient of every parameter, also where a branch is left out.
    """
    if not torch.is_grad_enabled():
        return value
    parameters = [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
    if not parameters:
        return value
    nothing = sum(((0 * parameter).sum() for parameter in parameters[1:]), start=(0 * parameters[0]).sum())
    return value + nothing.to(value.dtype)
