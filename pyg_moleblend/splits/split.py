r"""A named split of a dataset's molecules, with a hash and a file."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pyg_moleblend.utils.files import atomic_write

PARTS = ("train", "valid", "test")


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
        parts = {part: sorted(positions.tolist()) for part, positions in self.as_dict().items()}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    def save(self, path: str | Path) -> None:
        r"""Writes the split as JSON, atomically."""
        parts = {part: positions.tolist() for part, positions in self.as_dict().items()}
        with atomic_write(path, "w") as file:
            json.dump({"name": self.name, "hash": self.hash, **parts}, file)

    @classmethod
    def load(cls, path: str | Path) -> "Split":
        r"""Reads a split that :meth:`save` wrote.

        Raises:
            ValueError: If the file's positions are not those that its hash was made of.
        """
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        split = cls(content["name"], *(torch.tensor(content[part], dtype=torch.long) for part in PARTS))
        if split.hash != content["hash"]:
            raise ValueError(f"{path} was changed: its positions hash to {split.hash}, it says {content['hash']}")
        return split

    def __str__(self) -> str:
        sizes = ", ".join(f"{len(positions)} {part}" for part, positions in self.as_dict().items())
        return f"{self.name} ({sizes}; {self.hash})"
