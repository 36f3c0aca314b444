r"""What the backward pass needs: values computed again instead of kept, and a gradient for what did not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

T = TypeVar("T")


def run(function: Callable[..., T], *args: object, activation_checkpointing: bool) -> T:
    r"""The function's result.

    Args:
        function: Any function of tensors.
        args: What it is given.
        activation_checkpointing: Whether what it keeps for the backward pass is computed again there, with the same
            random numbers. That ends at the input of the last operation: a linear map at the end is not computed twice.
    """
    if activation_checkpointing:
        return checkpoint(function, *args, use_reentrant=False)
    return function(*args)


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
