r"""Splits by a column of the table."""

from collections.abc import Sequence

import torch

from pyg_moleblend.splits.split import PARTS, Split


def column_split(values: Sequence[str], name: str = "column") -> Split:
    r"""Splits by a column that says train, valid (or val, validation) or test for each molecule.

    Args:
        values: The column; upper and lower case are alike.
        name: Name of the split.

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
