from __future__ import annotations

from torch import nn

INIT_STD = 0.02
r"""Standard deviation of fresh weights, as in the published model."""


def reset_linear(linear: nn.Linear) -> None:
    r"""Weights from N(0, 0.02²), bias zero."""
    nn.init.normal_(linear.weight, std=INIT_STD)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


def reset(module: nn.Module) -> None:
    r"""Draws fresh weights by the module's ``reset_parameters``, or of each of its children where it has none."""
    own = getattr(module, "reset_parameters", None)
    if callable(own):
        own()
    else:
        reset_children(module)


def reset_children(module: nn.Module) -> None:
    r"""Draws fresh weights of each child, as :func:`reset` does."""
    for child in module.children():
        reset(child)
