r"""Folds of the training part, within which everything is chosen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.chem import murcko_scaffold, parse_smiles

FOLDS = 4
Grouping = Literal["scaffold", "random"]


def random_folds(num_rows: int, seed: int) -> NDArray[np.int64]:
    r"""A fold for each row, ``[M]``: 0 to 3, equally often, drawn with the seed."""
    return np.random.default_rng(seed).permutation(num_rows) % FOLDS


def scaffold_folds(smiles: Sequence[str], seed: int) -> NDArray[np.int64]:
    r"""A fold for each molecule, ``[M]``, so that molecules of one scaffold are in one fold.

    A scaffold that more than half a fold's share of the molecules have (all those without a ring have the empty one,
    most of many a set) is cut at random into pieces that go to different folds: with it whole there would be no four
    folds of like size, or none at all, and a fold could hold all that is known of a kind of molecule.

    Args:
        smiles: M SMILES that RDKit can read.
        seed: Of the pieces, and of the order of those of one size.
    """
    draw = np.random.default_rng(seed)
    most = max(len(smiles) // (2 * FOLDS), 1)
    groups: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(smiles):
        groups[_scaffold(text)].append(row)
    pieces = [
        (name, rows)
        for name, group in groups.items()
        for rows in np.array_split(draw.permutation(group), -(-len(group) // most))
    ]
    folds, sizes = np.empty(len(smiles), dtype=np.int64), [0] * FOLDS
    held: list[Counter[str]] = [Counter() for _ in range(FOLDS)]
    for place in sorted(draw.permutation(len(pieces)), key=lambda place: -len(pieces[place][1])):
        name, rows = pieces[place]
        fold = min(range(FOLDS), key=lambda fold: (held[fold][name], sizes[fold]))
        folds[rows] = fold
        sizes[fold] += len(rows)
        held[fold][name] += 1
    return folds


def _scaffold(smiles: str) -> str:
    try:
        return murcko_scaffold(parse_smiles(smiles), chirality=True)
    except (RuntimeError, ValueError):  # RDKit has none for a few molecules that it can read
        return smiles
