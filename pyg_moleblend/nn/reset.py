from __future__ import annotations

from torch import nn


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
