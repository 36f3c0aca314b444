r"""Splits by the names that the command line has for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from pyg_moleblend.cli.data import say
from pyg_moleblend.datasets import MoleculeNet, MoleculeTable
from pyg_moleblend.datasets.targets import names_of
from pyg_moleblend.splits import (
    PAIRS,
    Split,
    balanced_scaffold_split,
    column_split,
    deepchem_scaffold_split,
    k_fold,
    random_scaffold_split,
    random_split,
    scaffold_split,
)

KINDS: dict[str, Callable[[Any, int], Split]] = {
    "random": lambda molecules, seed: random_split(molecules, seed=seed),
    "scaffold": lambda molecules, seed: scaffold_split(molecules.smiles),
    "scaffold-deepchem": lambda molecules, seed: deepchem_scaffold_split(molecules.smiles),
    "scaffold-balanced": lambda molecules, seed: balanced_scaffold_split(molecules.smiles, seed=seed),
    "scaffold-random": lambda molecules, seed: random_scaffold_split(molecules.smiles, seed=seed),
}
_FOLD = re.compile(r"fold:(\d+)/(\d+)")


def make_split(molecules: Any, split: str | None, seed: int) -> Split:
    r"""The split of a name.

    Args:
        molecules: The molecules, one of our datasets.
        split: A key of :data:`KINDS`, ``official`` (the benchmark's own), ``fold:I/K`` (fold I of K, counted from 1),
            ``column:NAME`` (a table's), or the path of a saved split; by default the official one where there is one,
            MoleculeNet's scaffold split, and else a random one.
        seed: Seed of a split that is drawn.

    Raises:
        ValueError: If there is no such split.
    """
    if split is None:
        named = "scaffold" if isinstance(molecules, MoleculeNet) else "random"
        split = "official" if hasattr(molecules, "get_split") else named
    if split in KINDS:
        return KINDS[split](molecules, seed)
    if split == "official" and hasattr(molecules, "get_split"):
        official: Split = molecules.get_split()
        return official
    if fold := _FOLD.fullmatch(split):
        number, k = int(fold[1]), int(fold[2])
        if not 1 <= number <= k:
            raise ValueError(f"folds are counted from 1 to their number, got {split!r}")
        return k_fold(molecules, k, seed)[number - 1]
    if split.startswith("column:") and isinstance(molecules, MoleculeTable):
        column = split.removeprefix("column:")
        if column not in molecules.frame:
            raise ValueError(f"the table has no column {column!r}; its columns are {list(molecules.frame.columns)}")
        by_column = column_split(molecules.frame[column].iloc[molecules.row.tolist()].tolist(), split)
        _tell_unused(by_column, len(molecules))
        _tell_leaks(by_column, molecules.smiles)
        return by_column
    if split.endswith(".json"):
        names = names_of(molecules)
        saved = Split.load(split, getattr(molecules, "row", None), names)
        largest = max((int(part.max()) for part in saved.as_dict().values() if len(part)), default=-1)
        if largest >= len(molecules):
            raise ValueError(f"{split} is of at least {largest + 1} molecules, the data have {len(molecules)}")
        _tell_unused(saved, len(molecules))
        _tell_leaks(saved, names)
        return saved
    raise ValueError(
        f"unknown split {split!r}: expected one of {', '.join(KINDS)}, 'official' of a benchmark, 'fold:I/K', "
        "'column:NAME' of a table or a .json file"
    )


def _tell_unused(split: Split, count: int) -> None:
    r"""Says how many molecules are in no part of a split that somebody made."""
    if unused := count - sum(map(len, split.as_dict().values())):
        say(f"{unused} of the {count} molecules are in no part of the split {split.name}, and not used")


def _tell_leaks(split: Split, names: Sequence[str]) -> None:
    r"""Says which parts of a split that somebody made have molecules in common, as they are written."""
    parts = {part: {names[i] for i in positions.tolist()} for part, positions in split.as_dict().items()}
    for part, source in PAIRS:
        if shared := parts[part] & parts[source]:
            say(
                f"{len(shared)} molecules of {part} are in {source} too, {min(shared)} for one; moleblend split tells "
                "all that parts have in common"
            )
