r"""Named splits of a dataset's molecules into training, validation and test positions."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path

import torch
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
from torch import Tensor

from pyg_moleblend.chem import MoleculeError, parse_smiles
from pyg_moleblend.utils.files import atomic_write

PARTS = ("train", "valid", "test")
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


def random_split(molecules: Sized | int, fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Split:
    r"""Splits by a random permutation.

    Args:
        molecules: The molecules, or how many there are.
        fractions: Shares of train, valid and test; their sum is 1.
        seed: Of the permutation; part of the name.
    """
    size = _size(molecules)
    train, valid = (round(size * share) for share in _cumulative(fractions))
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    return Split(f"random {_name(fractions)} seed {seed}", order[:train], order[train:valid], order[valid:])


def scaffold_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1)) -> Split:
    r"""Splits by Bemis-Murcko scaffold as `OGB <https://arxiv.org/abs/2005.00687>`_ does; deterministic.

    Molecules with one scaffold, chirality included, stay together. The groups, largest first and among equals
    the one that starts last, go to train, valid or test, whichever first has room.

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1.

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    train_end, valid_end = (share * len(smiles) for share in _cumulative(fractions))
    groups: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(smiles):
        groups[_scaffold(text, position)].append(position)
    train: list[int] = []
    valid: list[int] = []
    test: list[int] = []
    for group in sorted(groups.values(), key=lambda group: (len(group), group[0]), reverse=True):
        if len(train) + len(group) <= train_end:
            train += group
        elif len(train) + len(valid) + len(group) <= valid_end:
            valid += group
        else:
            test += group
    parts = (torch.tensor(part, dtype=torch.long) for part in (train, valid, test))
    return Split(f"scaffold {_name(fractions)}", *parts)


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


def k_fold(molecules: Sized | int, k: int = 5, seed: int = 0) -> list[Split]:
    r"""K splits by one random permutation: fold i tests split i and is the valid part of split i - 1.

    Args:
        molecules: The molecules, or how many there are.
        k: Number of folds, at least 3.
        seed: Of the permutation; part of the names.
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


def _scaffold(smiles: str, position: int) -> str:
    try:
        return str(MurckoScaffoldSmiles(mol=parse_smiles(smiles), includeChirality=True))
    except MoleculeError as error:
        raise ValueError(f"no scaffold for molecule {position}, leave it out of the split: {error}") from error


def _cumulative(fractions: Fractions) -> tuple[float, float]:
    shares = len(fractions) == 3 and fractions[0] > 0 and min(fractions) >= 0
    if not shares or not math.isclose(sum(fractions), 1.0, abs_tol=1e-9):
        raise ValueError(f"`fractions` must be shares of train, valid and test that sum to 1, got {fractions}")
    return fractions[0], fractions[0] + fractions[1]


def _name(fractions: Fractions) -> str:
    return "/".join(f"{share:g}" for share in fractions)


def _size(molecules: Sized | int) -> int:
    return molecules if isinstance(molecules, int) else len(molecules)
