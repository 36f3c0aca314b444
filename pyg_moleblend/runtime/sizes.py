r"""Whether sizes are sizes."""

from __future__ import annotations

LARGEST = 2**31 - 1


def check_sizes(**sizes: int) -> None:
    r"""Raises :class:`ValueError` unless all sizes, given by the names of the arguments, are integers from 1 to
    :data:`LARGEST`."""
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            raise ValueError(f"`{name}` must be an integer of at least 1, got {size!r}")
        if size > LARGEST:
            raise ValueError(f"`{name}` must be at most {LARGEST}, got {size}")
