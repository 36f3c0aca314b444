r"""Whether sizes are sizes."""

from __future__ import annotations


def check_sizes(**sizes: int) -> None:
    r"""Raises :class:`ValueError` unless all sizes, given by the names of the arguments, are integers from 1."""
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            raise ValueError(f"`{name}` must be an integer of at least 1, got {size!r}")
