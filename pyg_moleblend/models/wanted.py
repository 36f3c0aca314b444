r"""Which fields of its molecules a model reads: those that its parts ask for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from pyg_moleblend.fields import BondVocabulary


class Wanted(NamedTuple):
    r"""What :func:`pyg_moleblend.utils.pack` is to lay out.

    Attributes:
        pair_fields: Names of the pair fields.
        atom_fields: Names of the atom fields, beside ``x`` and ``pos``.
        graph_fields: Names of the graph fields.
        bond_vocabulary: What ``edge_attr`` holds; ``None`` where nobody asks for bonds.
    """

    pair_fields: frozenset[str]
    atom_fields: frozenset[str]
    graph_fields: frozenset[str]
    bond_vocabulary: BondVocabulary | None


def wanted_by(parts: Iterable[Any]) -> Wanted:
    r"""What some parts of a model ask for together: relations, objectives, a readout, a whole encoder.

    Raises:
        ValueError: If two of them want bonds told apart in different ways.
    """
    parts = list(parts)

    def names(level: str) -> frozenset[str]:
        return frozenset(name for part in parts for name in getattr(part, f"{level}_fields", ()))

    vocabularies = {part.bond_vocabulary for part in parts if getattr(part, "bond_vocabulary", None) is not None}
    if len(vocabularies) > 1:
        raise ValueError(
            f"parts of the model differ in their `bond_vocabulary`: {sorted(map(str, vocabularies))}; give all the "
            "same, default_relations(config, bond_vocabulary=...) and default_objectives(config, bond_vocabulary=...)"
        )
    return Wanted(names("pair"), names("atom"), names("graph"), next(iter(vocabularies), None))
