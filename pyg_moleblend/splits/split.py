r"""A named split of a dataset's molecules, with a hash and a file."""

import hashlib
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.open_file import read_json

PARTS = ("train", "valid", "test")

_ROWS = 2**63
_NAMES = "molecules"  # of the file: what tells the molecules of its rows apart


Fractions = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Split:
    r"""Which molecules are for training, validation and test.

    Splits of one kind differ between papers by hundreds of molecules, so a split has a name and a hash to
    print beside every result, and can be saved and used again.

    Args:
        name: How the split was made.
        train: Positions in the dataset, int64 ``[M]``.
        valid: Positions for model selection.
        test: Positions that are evaluated once.

    Raises:
        ValueError: If a part is no 1-dimensional int64 tensor, or holds a negative position, or a position
            occurs twice.
    """

    name: str
    train: Tensor
    valid: Tensor
    test: Tensor

    def __post_init__(self) -> None:
        for part, positions in self.as_dict().items():
            if positions.dtype != torch.long or positions.dim() != 1:
                raise ValueError(f"{part} must be int64 [M], got {positions.dtype} {list(positions.shape)}")
        every = torch.cat([self.train, self.valid, self.test])
        if bool((every < 0).any()):
            raise ValueError(f"positions must not be negative, got {int(every.min())}")
        values, counts = every.unique(return_counts=True)
        if len(values) < len(every):
            repeated = values[counts > 1].tolist()
            raise ValueError(f"{len(repeated)} positions occur more than once in the split: {repeated[:5]}")

    def as_dict(self) -> dict[str, Tensor]:
        r"""The parts as ``dataset.get_idx_split()`` gives them."""
        return {"train": self.train, "valid": self.valid, "test": self.test}

    @property
    def hash(self) -> str:
        r"""12 hexadecimal digits; equal exactly if the same positions are in the same parts, in any order."""
        return _hash({part: positions.tolist() for part, positions in self.as_dict().items()})

    def save(self, path: str | Path, rows: Tensor | None = None, names: Sequence[str] | None = None) -> None:
        r"""Writes the split as JSON, atomically.

        Args:
            path: The file.
            rows: Row of the source of each molecule, ``dataset.row``: then the file holds rows, which another version
                of RDKit, that reads more molecules or fewer, does not shift. Without it the file holds positions.
            names: What tells each molecule of the dataset from others, ``dataset.smiles``: then the file tells the
                dataset from others, which its rows would mean other molecules of.
        """
        numbers = {part: positions if rows is None else rows[positions] for part, positions in self.as_dict().items()}
        parts = {part: values.tolist() for part, values in numbers.items()}
        head: dict[str, Any] = {"name": self.name, "hash": self.hash, "of": "positions" if rows is None else "rows"}
        if names is not None:
            head[_NAMES] = {part: [_tag(names[i]) for i in given.tolist()] for part, given in self.as_dict().items()}
        with atomic_write(path, "w") as file:
            json.dump({**head, "checksum": _hash(parts), **parts}, file)

    @classmethod
    def load(cls, path: str | Path, rows: Tensor | None = None, names: Sequence[str] | None = None) -> "Split":
        r"""Reads a split that :meth:`save` wrote.

        Rows that are not among the dataset's are left out, with a warning that names them.

        Args:
            path: The file.
            rows: Row of the source of each molecule, ``dataset.row``; needed for a file of rows.
            names: What tells each molecule of the dataset from others, ``dataset.smiles``. A file that does not say
                which molecules it is of is taken with a warning.

        Raises:
            ValueError: If the file is no split, or not as it was written, is one of rows and there are none, or is of
                other molecules.
        """
        try:
            content = read_json(path)
            name, of, kept = content["name"], content["of"], {part: list(content[part]) for part in PARTS}
            if odd := [row for rows in kept.values() for row in rows if type(row) is not int or not 0 <= row < _ROWS]:
                raise ValueError(f"{str(odd[0])[:40]!r} is no row")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is no saved split: {type(error).__name__} {error}") from error
        if _hash(kept) != content.get("checksum"):
            raise ValueError(f"{path} was changed: the checksum of its {of} is {_hash(kept)}, not what it says")
        if of == "rows":
            if rows is None:
                raise ValueError(f"{path} is a split by the rows of a dataset; pass them, rows=dataset.row")
            position = {row: number for number, row in enumerate(rows.tolist())}
            if missing := [row for part in PARTS for row in kept[part] if row not in position]:
                warnings.warn(
                    f"{path}: {len(missing)} of its rows are not in the dataset and left out: {missing[:5]}",
                    stacklevel=2,
                )
        else:
            position = {number: number for values in kept.values() for number in values}
        if names is not None:
            _check_names(path, content.get(_NAMES), kept, position, names)
        kept = {part: [position[row] for row in values if row in position] for part, values in kept.items()}
        return cls(name, *(torch.tensor(kept[part], dtype=torch.long) for part in PARTS))

    def __str__(self) -> str:
        sizes = ", ".join(f"{len(positions)} {part}" for part, positions in self.as_dict().items())
        return f"{self.name} ({sizes}; {self.hash})"


def cumulative(fractions: Fractions) -> tuple[float, float]:
    r"""Share of train, and of train and valid together.

    Raises:
        ValueError: If they are not three shares that sum to 1, the first above 0.
    """
    shares = len(fractions) == 3 and fractions[0] > 0 and min(fractions) >= 0
    if not shares or not math.isclose(sum(fractions), 1.0, abs_tol=1e-9):
        raise ValueError(f"`fractions` must be shares of train, valid and test that sum to 1, got {fractions}")
    return fractions[0], fractions[0] + fractions[1]


def fractions_name(fractions: Fractions) -> str:
    r"""As names of splits have it: ``"0.8/0.1/0.1"``."""
    return "/".join(f"{share:g}" for share in fractions)


def _tag(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _check_names(
    path: str | Path, tags: Any, kept: Mapping[str, list[int]], position: Mapping[int, int], names: Sequence[str]
) -> None:
    r"""Raises ``ValueError`` unless the rows of a file hold the molecules that they held when it was written."""
    if tags is None:
        warnings.warn(
            f"{path} does not say which molecules it is of, so nobody can tell whether they are these: save it with "
            "names=dataset.smiles",
            stacklevel=3,
        )
        return
    whole = isinstance(tags, dict) and all(isinstance(tags.get(part, []), list) for part in PARTS)
    if not whole or any(len(tags.get(part, [])) != len(kept[part]) for part in PARTS):
        raise ValueError(f"{path} is no saved split: it does not tell the molecules of its rows apart")
    found = {row: names[at] for row, at in position.items() if at < len(names)}
    told = [
        (row, tag) for part in PARTS for row, tag in zip(kept[part], tags.get(part, []), strict=True) if row in found
    ]
    if other := [row for row, tag in told if _tag(found[row]) != tag]:
        raise ValueError(
            f"{path} was made for other molecules: {len(other)} of its {len(told)} rows hold another one now, the "
            f"first being row {other[0]}, {found[other[0]]!r}; use it with the table that it was made for, or split "
            "this one"
        )


def _hash(parts: Mapping[str, Sequence[int]]) -> str:
    ordered = {part: sorted(values) for part, values in parts.items()}
    return hashlib.sha256(json.dumps(ordered, sort_keys=True).encode()).hexdigest()[:12]
