r"""Splits that do not look at the molecules: at random, in folds, by a column of the table."""

from collections.abc import Sequence, Sized

import torch

from pyg_moleblend.splits.split import PARTS, Fractions, Split, cumulative, fractions_name


def random_split(molecules: Sized | int, fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Split:
    r"""Splits by a random permutation.

    Args:
        molecules: The molecules, or how many there are.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        seed: Of the permutation; part of the name. (default: :obj:`0`)
    """
    size = _size(molecules)
    train, valid = (round(size * share) for share in cumulative(fractions))
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    return Split(f"random {fractions_name(fractions)} seed {seed}", order[:train], order[train:valid], order[valid:])


def k_fold(molecules: Sized | int, k: int = 5, seed: int = 0) -> list[Split]:
    r"""K splits by one random permutation: fold i tests split i and is the valid part of split i - 1.

    Args:
        molecules: The molecules, or how many there are.
        k: Number of folds, at least 3. (default: :obj:`5`)
        seed: Of the permutation; part of the names. (default: :obj:`0`)
    """
    size = _size(molecules)
    if not 3 <= k <= size:
        raise ValueError(f"`k` must be from 3 to the number of molecules, {size}, got {k}")
    folds = torch.randperm(size, generator=torch.Generator().manual_seed(seed)).tensor_split(k)
    splits = []
    for i in range(k):
        test, valid = i, (i + 1) % k
        train = torch.cat([fold for j, fold in enumerate(folds) if j not in (test, valid)])
        splits.append(Split(f"fold {i + 1} of {k} seed {seed}", train, folds[valid], folds[test]))
    return splits


def column_split(values: Sequence[str], name: str = "column") -> Split:
    r"""Splits by a column that says train, valid (or val, validation) or test for each molecule.

    Args:
        values: The column; upper and lower case are alike.
        name: Name of the split. (default: :obj:`"column"`)

    Raises:
        ValueError: If a value is none of these words.
    """
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    for position, value in enumerate(values):
        word = str(value).strip().lower()
        word = "valid" if word in ("val", "validation") else word
        if word not in parts:
            raise ValueError(f"a split column holds 'train', 'valid' or 'test', got {value!r} at {position}")
        parts[word].append(position)
    return Split(name, *(torch.tensor(parts[part], dtype=torch.long) for part in PARTS))


def _size(molecules: Sized | int) -> int:
    return molecules if isinstance(molecules, int) else len(molecules)
