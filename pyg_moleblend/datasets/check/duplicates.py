r"""Rows that hold one molecule, and whether they agree about it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from pyg_moleblend.chem import Identity, MoleculeError
from pyg_moleblend.datasets.check.labels import Labels


class DuplicateGroup(NamedTuple):
    r"""Rows that hold one molecule.

    Attributes:
        rows: The rows, two or more.
        smiles: Canonical SMILES of the first.
        conflicts: The different labels of each target that the rows disagree about.
    """

    rows: list[int]
    smiles: str
    conflicts: dict[str, list[float]]


class Duplicates(NamedTuple):
    r"""All groups of a dataset.

    Attributes:
        level: ``"key"``: the same molecule; ``"parent"``: the same but for salt and charge.
        groups: The groups, in the order of their first rows.
    """

    level: str
    groups: list[DuplicateGroup]

    @property
    def num_rows(self) -> int:
        r"""Rows that share their molecule with another."""
        return sum(len(group.rows) for group in self.groups)

    @property
    def conflicting(self) -> "Duplicates":
        r"""The groups whose rows disagree about a label."""
        return self._replace(groups=[group for group in self.groups if group.conflicts])


def find_duplicates(
    identities: Sequence[Identity | MoleculeError],
    rows: Sequence[int],
    labels: Sequence[Labels] = (),
    level: Literal["key", "parent"] = "key",
) -> Duplicates:
    r"""Finds the rows that hold one molecule.

    Args:
        identities: Names of the M molecules; those that have none are no one's duplicates.
        rows: Their rows.
        labels: Their labels, target by target. Any difference is a conflict.
        level: What counts as one molecule.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for position, identity in enumerate(identities):
        if isinstance(identity, Identity):
            members[getattr(identity, level)].append(position)
    groups = []
    for positions in members.values():
        first = identities[positions[0]]
        if len(positions) > 1 and isinstance(first, Identity):
            conflicts = {target.name: values for target in labels if len(values := _values(target, positions)) > 1}
            groups.append(DuplicateGroup([rows[i] for i in positions], first.smiles, conflicts))
    return Duplicates(level, groups)


def _values(target: Labels, positions: list[int]) -> list[float]:
    values = target.values[positions]
    return sorted(set(values[~np.isnan(values)].tolist()))
