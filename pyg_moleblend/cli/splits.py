r"""Splits by the names that the command line has for them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyg_moleblend.cli.data import column_of, say
from pyg_moleblend.datasets import MoleculeNet, MoleculeTable
from pyg_moleblend.datasets.io.table_columns import MISSING, number_column, numbers_of
from pyg_moleblend.datasets.targets import names_of
from pyg_moleblend.splits import (
    PAIRS,
    Split,
    balanced_scaffold_split,
    butina_groups,
    butina_split,
    column_split,
    deepchem_scaffold_split,
    group_k_fold,
    group_split,
    k_fold,
    maxmin_split,
    random_scaffold_split,
    random_split,
    scaffold_split,
    stratified_split,
    time_split,
)
from pyg_moleblend.splits.scaffold import scaffold_groups

KINDS: dict[str, Callable[[Any, int], Split]] = {
    "random": lambda molecules, seed: random_split(molecules, seed=seed),
    "scaffold": lambda molecules, seed: scaffold_split(molecules.smiles),
    "scaffold-deepchem": lambda molecules, seed: deepchem_scaffold_split(molecules.smiles),
    "scaffold-balanced": lambda molecules, seed: balanced_scaffold_split(molecules.smiles, seed=seed),
    "scaffold-random": lambda molecules, seed: random_scaffold_split(molecules.smiles, seed=seed),
    "butina": lambda molecules, seed: butina_split(molecules.smiles),
    "maxmin": lambda molecules, seed: maxmin_split(molecules.smiles, seed=seed),
}
GROUPS: dict[str, Callable[[Any], list[list[int]]]] = {
    "scaffold": lambda molecules: scaffold_groups(molecules.smiles, chirality=True),
    "butina": lambda molecules: butina_groups(molecules.smiles),
}
_FOLDS = re.compile(r"folds:(\d+)(?::(.+))?")
_FOLD = re.compile(r"fold:(\d+)/(\d+)(?::(.+))?")
_BY_COLUMN = re.compile(r"(group|time|stratified):(.+)")


def number_of_folds(split: str | None) -> int:
    r"""K of ``folds:K`` and ``folds:K:RULE``, a cross-validation; 0 of any other split."""
    found = None if split is None else _FOLDS.fullmatch(split)
    return int(found[1]) if found else 0


def make_folds(molecules: Any, split: str, seed: int) -> list[Split]:
    r"""The splits of a cross-validation, in which each fold is the test once.

    Args:
        molecules: The molecules, one of our datasets.
        split: ``folds:K``, or ``folds:K:RULE`` with a rule as in :func:`make_split`.
        seed: Of the folds.

    Raises:
        ValueError: If there are no such folds.
    """
    found = _FOLDS.fullmatch(split)
    if found is None:
        raise ValueError(f"folds are folds:K or folds:K:RULE, got {split!r}")
    return _folds(molecules, int(found[1]), found[2], seed)


def make_split(molecules: Any, split: str | None, seed: int) -> Split:
    r"""The split of a name.

    Args:
        molecules: The molecules, one of our datasets.
        split: A key of :data:`KINDS`; ``official`` (the benchmark's own); ``fold:I/K`` (fold I of K, counted from 1),
            also of groups that stay together, ``fold:I/K:RULE`` with a key of :data:`GROUPS` or ``group:NAME``;
            ``column:NAME``, ``group:NAME``, ``time:NAME`` or ``stratified:NAME`` (of a table's column, or a target);
            or the path of a saved split. By default the official one where there is one, MoleculeNet's scaffold split,
            and else a random one.
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
    if number_of_folds(split):
        raise ValueError(f"{split!r} is a cross-validation, which finetune makes: take one fold, 'fold:1/5' say")
    if fold := _FOLD.fullmatch(split):
        return _fold(molecules, int(fold[1]), int(fold[2]), fold[3], seed)
    if by := _BY_COLUMN.fullmatch(split):
        kind, column = by[1], by[2]
        if kind == "group":
            return group_split(_groups(molecules, split), seed=seed, name=split)
        if kind == "time":
            times = _times(molecules, column)
            if missing := int(pd.isna(times).sum()):
                raise ValueError(f"{missing} of the {len(times)} molecules have no time in {column!r}: give them one")
            return time_split(times, name=split)
        return stratified_split(_numbers(molecules, column), seed=seed, name=split)
    if split.startswith("column:") and isinstance(molecules, MoleculeTable):
        by_column = column_split(_column(molecules, split.removeprefix("column:")).tolist(), split)
        _tell_unused(by_column, len(molecules))
        _tell_leaks(by_column, molecules.smiles)
        return by_column
    if split.endswith(".json"):
        if not os.path.isfile(split):
            raise FileNotFoundError(f"there is no saved split {split}")
        names = names_of(molecules)
        saved = Split.load(split, getattr(molecules, "row", None), names)
        largest = max((int(part.max()) for part in saved.as_dict().values() if len(part)), default=-1)
        if largest >= len(molecules):
            raise ValueError(f"{split} is of at least {largest + 1} molecules, the data have {len(molecules)}")
        _tell_unused(saved, len(molecules))
        _tell_leaks(saved, names)
        return saved
    raise ValueError(
        f"unknown split {split!r}: expected one of {', '.join(KINDS)}, 'official' of a benchmark, 'fold:I/K' (or "
        "'fold:I/K:scaffold', ':butina', ':group:NAME'), 'folds:K' of finetune, 'column:NAME', 'group:NAME', "
        "'time:NAME' or 'stratified:NAME' of a table's column, or a .json file"
    )


def _fold(molecules: Any, number: int, k: int, rule: str | None, seed: int) -> Split:
    if not 1 <= number <= k:
        raise ValueError(f"folds are counted from 1 to their number, got fold {number} of {k}")
    return _folds(molecules, k, rule, seed)[number - 1]


def _folds(molecules: Any, k: int, rule: str | None, seed: int) -> list[Split]:
    return k_fold(molecules, k, seed) if rule is None else group_k_fold(_groups(molecules, rule), k, seed, rule)


def _groups(molecules: Any, rule: str) -> list[Hashable]:
    r"""The group of each molecule."""
    if rule.startswith("group:"):
        cells = _column(molecules, rule.removeprefix("group:"))
        if missing := int((cells.isna() | cells.astype(str).str.strip().isin(MISSING)).sum()):
            raise ValueError(f"{missing} of the {len(cells)} molecules have no group in {rule!r}: give them one")
        return cells.tolist()
    if rule not in GROUPS:
        raise ValueError(f"unknown groups {rule!r}: expected one of {', '.join(GROUPS)}, or group:NAME")
    found: list[Hashable] = [0] * len(molecules)
    for number, positions in enumerate(GROUPS[rule](molecules)):
        for position in positions:
            found[position] = number
    return found


def _times(molecules: Any, column: str) -> NDArray[Any]:
    cells = _column(molecules, column)
    values, bad = numbers_of(cells)
    if not bad.any():
        return values
    try:
        return pd.to_datetime(cells, format="ISO8601", utc=True).dt.tz_localize(None).to_numpy()
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column!r} must hold numbers, or dates as 2024-12-31") from error


def _numbers(molecules: Any, column: str) -> NDArray[np.float64]:
    if column in (names := list(getattr(molecules, "target_names", []))):
        labels: NDArray[np.float64] = molecules.y[:, names.index(column)].double().numpy()
        return labels
    return number_column(_column(molecules, column).to_frame(), column)


def _column(molecules: Any, column: str) -> pd.Series:
    return column_of(molecules, column, f"a split by the column {column!r}")


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
