r"""What the parts of a split have in common that they should not."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from pyg_moleblend.chem import Identity, MoleculeError
from pyg_moleblend.splits.split import Split

LEVELS = {
    "parent": "the same parent molecule (InChIKey without salt and charge)",
    "skeleton": "the same parent but for stereochemistry",
    "scaffold": "the same ring scaffold (molecules without a ring do not count)",
}
PAIRS = (("valid", "train"), ("test", "train"), ("test", "valid"))
r"""Parts that are evaluated, and those that they should have nothing in common with."""


class Leak(NamedTuple):
    r"""Molecules of one part that have a relative in another.

    Attributes:
        level: In which sense, a key of :data:`LEVELS`.
        part: The part that is evaluated.
        source: The part that the relatives are in.
        rows: Rows of the molecules of ``part`` that have one.
        total: Molecules of ``part``.
    """

    level: str
    part: str
    source: str
    rows: list[int]
    total: int

    def __str__(self) -> str:
        return f"{len(self.rows)} of {self.total} {self.part} rows have in {self.source} {LEVELS[self.level]}"


class Leakage(NamedTuple):
    r"""All that the parts of a split have in common.

    Attributes:
        split: Name, sizes and hash of the split.
        leaks: One entry a level and a pair of parts, also where there is none.
        unidentified: Rows of molecules in the split that could not be compared.
    """

    split: str
    leaks: list[Leak]
    unidentified: list[int]

    def rows(self, level: str, part: str = "test", source: str = "train") -> list[int]:
        r"""Rows of one leak."""
        return next(leak.rows for leak in self.leaks if leak[:3] == (level, part, source))

    def to_dict(self) -> dict[str, Any]:
        r"""As JSON can hold it."""
        leaks = [{**leak._asdict(), "count": len(leak.rows)} for leak in self.leaks]
        return {"split": self.split, "leaks": leaks, "unidentified": self.unidentified}

    def __str__(self) -> str:
        lines = [str(leak) for leak in self.leaks if leak.rows]
        lines = lines or ["no two parts have a molecule or a ring scaffold in common"]
        if self.unidentified:
            lines.append(f"{len(self.unidentified)} molecules could not be compared")
        return "\n".join(lines)


def leakage(split: Split, identities: Sequence[Identity | MoleculeError], rows: Tensor | None = None) -> Leakage:
    r"""Compares the parts of a split.

    Args:
        split: The split.
        identities: Names of every molecule of the dataset, from :func:`~pyg_moleblend.chem.identify_all`.
        rows: Row of each molecule, int64 ``[M]``; its position by default.

    Raises:
        ValueError: If the split has a position that there is no molecule for.
    """
    parts = {part: positions.tolist() for part, positions in split.as_dict().items()}
    largest = max((max(positions) for positions in parts.values() if positions), default=-1)
    if largest >= len(identities):
        raise ValueError(f"the split is of at least {largest + 1} molecules, got {len(identities)}")
    row_of = list(range(len(identities))) if rows is None else rows.tolist()
    leaks = []
    for level in LEVELS:
        names = [_name(identity, level) for identity in identities]
        found = {part: {names[i] for i in positions} for part, positions in parts.items()}
        for part, source in PAIRS:
            shared = [row_of[i] for i in parts[part] if names[i] and names[i] in found[source]]
            leaks.append(Leak(level, part, source, sorted(shared), len(parts[part])))
    unidentified = [
        row_of[i] for positions in parts.values() for i in positions if isinstance(identities[i], MoleculeError)
    ]
    return Leakage(str(split), leaks, sorted(unidentified))


def _name(identity: Identity | MoleculeError, level: str) -> str:
    name: str = "" if isinstance(identity, MoleculeError) else getattr(identity, level)
    return name
