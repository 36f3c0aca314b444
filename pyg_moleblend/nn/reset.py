from __future__ import annotations

from torch import nn


def reset_children(module: nn.Module) -> None:
    r"""Draws fresh weights for each child that has ``reset_parameters``, else for its children."""
    for child in module.children():
        reset = getattr(child, "reset_parameters", None)
        if callable(reset):
            reset()
        else:
            reset_children(child)
