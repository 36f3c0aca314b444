r"""Folds of the training part, within which everything is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem import murcko_scaffold, parse_smiles

FOLDS = 4
Grouping = Literal["scaffold", "random"]


class Groups(NamedTuple):
    r"""Which of M rows belong together in a fold.

    Attributes:
        molecules: Number of each row's molecule, ``[M]``: rows of one molecule are never in two folds.
        together: Number of each row's group, ``[M]``: its scaffold, or its molecule again.
    """

    molecules: NDArray[np.int64]
    together: NDArray[np.int64]

    @classmethod
    def of(cls, smiles: Sequence[str], grouping: Grouping) -> Groups:
        r"""Those of M SMILES that RDKit can read.

        Args:
            smiles: The SMILES.
            grouping: ``"scaffold"``, or ``"random"`` for groups of one molecule each.
        """
        mols = [parse_smiles(text) for text in smiles]
        molecules = _numbered([Chem.MolToSmiles(mol) for mol in mols])
        return cls(molecules, _numbered([_scaffold(mol) for mol in mols]) if grouping == "scaffold" else molecules)

    def take(self, rows: NDArray[np.int64]) -> Groups:
        r"""Those of some rows."""
        return Groups(self.molecules[rows], self.together[rows])

    def folds(self, seed: int) -> NDArray[np.int64]:
        r"""A fold for each row, 0 to 3, ``[M]``, so that rows of one group are in one fold.

        A group of more than half a fold's share of the rows (all molecules without a ring have the empty scaffold,
        most of many a set) is cut at random, between molecules, into pieces that go to different folds: with it whole
        there would be no four folds of like size, or none at all, and a fold could hold all that is known of a kind
        of molecule. So there are two folds or more wherever there are two molecules or more.

        Args:
            seed: Of the pieces, and of the order of those of one size.
        """
        draw = np.random.default_rng(seed)
        most = max(len(self.together) // (2 * FOLDS), 1)
        pieces = [
            (name, piece)
            for name, group in enumerate(_rows_of_each(self.together))
            for piece in self._cut(group, most, draw)
        ]
        folds, sizes = np.empty(len(self.together), dtype=np.int64), [0] * FOLDS
        held: list[Counter[int]] = [Counter() for _ in range(FOLDS)]
        for place in sorted(draw.permutation(len(pieces)), key=lambda place: -len(pieces[place][1])):
            name, rows = pieces[place]
            fold = min(range(FOLDS), key=lambda fold: (held[fold][name], sizes[fold]))
            folds[rows] = fold
            sizes[fold] += len(rows)
            held[fold][name] += 1
        return folds

    def _cut(self, group: NDArray[np.int64], most: int, draw: np.random.Generator) -> list[NDArray[np.int64]]:
        if len(group) <= most:
            return [group]
        own = draw.permutation(np.unique(self.molecules[group]))
        parts = np.array_split(own, min(-(-len(group) // most), len(own)))
        return [group[np.isin(self.molecules[group], part)] for part in parts]


def _rows_of_each(numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []


def _numbered(names: Sequence[Hashable]) -> NDArray[np.int64]:
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names], dtype=np.int64)


def _scaffold(mol: Chem.Mol) -> str:
    try:
        return murcko_scaffold(mol, chirality=True)
    except (RuntimeError, ValueError):  # RDKit has none for a few molecules that it can read
        return Chem.MolToSmiles(mol)
