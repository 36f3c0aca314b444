from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

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
