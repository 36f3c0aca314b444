r"""Splits by what is known of the molecules besides their structure: groups, times, labels."""

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from pyg_moleblend.splits.split import Fractions, Split, cumulative, fractions_name

STRATA = 10
r"""Values are stratified by so many quantiles; labels of no more different values by these."""


def group_split(
    groups: Sequence[Hashable], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0, name: str = "group"
) -> Split:
    r"""Splits so that molecules of one group (a project, a series, a patent) stay together.

    Groups come in random order, and each goes to the part that lacks most molecules of its share.

    Args:
        groups: The group of each molecule.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        seed: Of the order; part of the name. (default: :obj:`0`)
        name: What the groups are, for the split's name. (default: :obj:`"group"`)
    """
    cumulative(fractions)
    wanted = [share * len(groups) for share in fractions]
    parts: list[list[int]] = [[], [], []]
    for members in _shuffled_groups(groups, seed):
        lacking = [share - len(part) for share, part in zip(wanted, parts, strict=True)]
        parts[lacking.index(max(lacking))] += members
    return Split(f"{name} {fractions_name(fractions)} seed {seed}", *map(_positions, parts))


def group_k_fold(groups: Sequence[Hashable], k: int = 5, seed: int = 0, name: str = "group") -> list[Split]:
    r"""K splits so that molecules of one group stay together: fold i tests split i and is the valid part of split
    i - 1. Large groups come first, each to the smallest fold.

    Args:
        groups: The group of each molecule.
        k: Number of folds, at least 3. (default: :obj:`5`)
        seed: Of the order among groups of one size; part of the names. (default: :obj:`0`)
        name: What the groups are, for the splits' names. (default: :obj:`"group"`)

    Raises:
        ValueError: If there are fewer groups than folds.
    """
    ordered = sorted(_shuffled_groups(groups, seed), key=len, reverse=True)
    if not 3 <= k <= len(ordered):
        raise ValueError(f"`k` must be from 3 to the number of groups, {len(ordered)}, got {k}")
    folds: list[list[int]] = [[] for _ in range(k)]
    for members in ordered:
        min(folds, key=len).extend(members)
    splits = []
    for test in range(k):
        valid = (test + 1) % k
        train = [position for fold in range(k) if fold not in (test, valid) for position in folds[fold]]
        splits.append(
            Split(f"{name} fold {test + 1} of {k} seed {seed}", *map(_positions, (train, folds[valid], folds[test])))
        )
    return splits


def time_split(times: ArrayLike, fractions: Fractions = (0.8, 0.1, 0.1), name: str = "time") -> Split:
    r"""Splits by time: train is before valid, and valid before test. Molecules of one time stay together, in the
    earlier part.

    Args:
        times: Of each molecule: numbers, or dates, ``[M]``.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        name: What the times are, for the split's name. (default: :obj:`"time"`)

    Raises:
        ValueError: If a time is missing.
    """
    values = np.asarray(times)
    missing = np.isnat(values) if values.dtype.kind == "M" else np.isnan(values.astype(np.float64))
    if missing.any():
        raise ValueError(f"{int(missing.sum())} molecules have no time, number {int(missing.argmax())} for one")
    order = np.argsort(values, kind="stable")
    ends = []
    for share in cumulative(fractions):
        end = round(len(values) * share)
        latest = values[order[end - 1]] if end else None
        ends.append(end if latest is None else int(np.searchsorted(values[order], latest, side="right")))
    train, valid, test = np.split(order, ends)
    return Split(f"{name} {fractions_name(fractions)}", *(torch.from_numpy(part) for part in (train, valid, test)))


def stratified_split(
    labels: ArrayLike, fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0, name: str = "stratified"
) -> Split:
    r"""Splits at random so that all parts have like shares of each label, or of each tenth of the values.

    Args:
        labels: Of each molecule, ``[M]``; those without one, NaN, are a stratum of their own.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        seed: Of the order; part of the name. (default: :obj:`0`)
        name: For the split's name. (default: :obj:`"stratified"`)
    """
    values = np.asarray(labels, dtype=np.float64)
    known = values[~np.isnan(values)]
    different = np.unique(known)
    if len(different) > STRATA:
        different = np.unique(np.quantile(known, np.arange(1, STRATA) / STRATA))
    strata = np.where(np.isnan(values), -1, np.searchsorted(different, values, side="right"))
    draw = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(values), generator=draw).numpy()
    order = order[np.argsort(strata[order], kind="stable")]  # stratum by stratum, shuffled within each
    # Systematic sampling, of the molecules that are held out and then, among these, of the test's.
    train, valid = cumulative(fractions)
    out = _systematic(len(order), 1 - train, draw)
    held_out = order[out]
    test = _systematic(len(held_out), (1 - valid) / (1 - train) if train < 1 else 0.0, draw)
    found = (torch.from_numpy(part) for part in (order[~out], held_out[~test], held_out[test]))
    return Split(f"{name} {fractions_name(fractions)} seed {seed}", *found)


def _systematic(count: int, share: float, draw: torch.Generator) -> NDArray[np.bool_]:
    r"""Which of so many are chosen: each with the same probability, and in any run of them as many as its share says,
    up to one."""
    start = float(torch.rand((), generator=draw))
    chosen: NDArray[np.bool_] = np.diff(np.floor(np.arange(count + 1) * share + start + 1e-9)) > 0
    return chosen


def _shuffled_groups(groups: Sequence[Hashable], seed: int) -> list[list[int]]:
    members: dict[Hashable, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    found = list(members.values())
    order = torch.randperm(len(found), generator=torch.Generator().manual_seed(seed)).tolist()
    return [found[number] for number in order]


def _positions(part: Sequence[int]) -> torch.Tensor:
    return torch.tensor(sorted(part), dtype=torch.long)
