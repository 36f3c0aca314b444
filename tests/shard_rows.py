r"""Rows for tests of shards: every label and identifier tells which row it is of."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pyg_moleblend.datasets.io.entries import Rows

GOOD = ("CCO", "c1ccccc1", "N", "[Na+].[Cl-]", "CC(=O)O")


def portions(entries: Sequence[str], sizes: Sequence[int]) -> Iterator[Rows]:
    r"""The entries in portions of these sizes, again and again; row r has the label r and the identifier ``id r``."""
    start, turn = 0, 0
    while start < len(entries):
        stop = min(start + sizes[turn % len(sizes)], len(entries))
        numbers = np.arange(start, stop)
        ids = [f"id {row}" for row in numbers]
        yield Rows(entries[start:stop], {"y": numbers.astype(np.float64)[:, None]}, ids)
        start, turn = stop, turn + 1


def contents(folder: Path) -> dict[str, bytes]:
    r"""Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def damage(path: Path, kind: str) -> None:
    r"""Flips a bit near the end of a file, cuts it, or removes it."""
    content = bytearray(path.read_bytes())
    if kind == "flipped":
        content[-9] ^= 1
        path.write_bytes(content)
    elif kind == "cut":
        path.write_bytes(content[:-7])
    else:
        path.unlink()
