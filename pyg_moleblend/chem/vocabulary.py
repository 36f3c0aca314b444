r"""OGB's vocabulary of atom and bond features, as look-up tables.

The features are those of the `Open Graph Benchmark <https://arxiv.org/abs/2005.00687>`_, which MoleBLEND uses
(arXiv 2307.06235). The tables are our own, because importing ``ogb`` takes seconds and starts a network
thread; every value has a class, an unknown one has the last class, "misc".
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem

MISC = "misc"

ATOM_VOCABULARY: dict[str, tuple[Hashable, ...]] = {
    "atomic_num": (*range(1, 119), MISC),
    "chirality": ("CHI_UNSPECIFIED", "CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW", "CHI_OTHER", MISC),
    "degree": (*range(11), MISC),
    "formal_charge": (*range(-5, 6), MISC),
    "num_h": (*range(9), MISC),
    "num_radical_e": (*range(5), MISC),
    "hybridization": ("SP", "SP2", "SP3", "SP3D", "SP3D2", MISC),
    "is_aromatic": (False, True),
    "is_in_ring": (False, True),
}
r"""Classes of each atom feature, in the order of the columns of ``x``."""

BOND_VOCABULARY: dict[str, tuple[Hashable, ...]] = {
    "bond_type": ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC", MISC),
    "bond_stereo": ("STEREONONE", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS", "STEREOANY"),
    "is_conjugated": (False, True),
}
r"""Classes of each bond feature, in the order of the columns of ``edge_attr``."""


def classes_of(values: Iterable[Hashable], vocabulary: tuple[Hashable, ...]) -> np.ndarray:
    r"""The class of each value.

    Args:
        values: Values of one feature, such as RDKit's names.
        vocabulary: Classes of that feature.

    Returns:
        int64 array with one class a value. A value outside the vocabulary has the class "misc"; a vocabulary
        without it is that of bond stereo, where the atropisomers that OGB refuses count as "STEREONONE".
    """
    unknown = vocabulary.index(MISC) if MISC in vocabulary else 0
    return np.array([vocabulary.index(value) if value in vocabulary else unknown for value in values], dtype=np.int64)


class Column(NamedTuple):
    r"""Classes of the integers ``low, low + 1, ...``; integers beyond an end have the class of that end."""

    low: int
    table: np.ndarray


def _of_integers(low: int, high: int, vocabulary: tuple[Hashable, ...]) -> Column:
    return Column(low, classes_of(range(low, high + 1), vocabulary))


def _of_enum(enum: Any, vocabulary: tuple[Hashable, ...]) -> Column:
    names = (str(enum.values[i]) if i in enum.values else MISC for i in range(max(enum.values) + 1))
    return Column(0, classes_of(names, vocabulary))


class Classifier:
    r"""Looks up the classes of K features at once: their tables lie one after another in a single one.

    Args:
        columns: The table of each feature.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        sizes = np.array([len(column.table) for column in columns])
        low = np.array([column.low for column in columns])
        self._table = np.concatenate([column.table for column in columns])
        self._low = low[:, None]  # [K, 1]
        self._high = (low + sizes - 1)[:, None]
        self._shift = (np.cumsum(sizes) - sizes - low)[:, None]

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        r"""Classes ``[n, K]`` of RDKit's values ``[K, n]``, int64 both."""
        inside = np.minimum(np.maximum(raw, self._low), self._high)
        return np.ascontiguousarray(self._table[inside + self._shift].T)


ATOM_CLASSES = Classifier(
    [
        _of_integers(0, 119, ATOM_VOCABULARY["atomic_num"]),  # the dummy atom, 0, is misc
        _of_enum(Chem.ChiralType, ATOM_VOCABULARY["chirality"]),
        _of_integers(0, 11, ATOM_VOCABULARY["degree"]),
        _of_integers(-6, 6, ATOM_VOCABULARY["formal_charge"]),
        _of_integers(0, 9, ATOM_VOCABULARY["num_h"]),
        _of_integers(0, 5, ATOM_VOCABULARY["num_radical_e"]),
        _of_enum(Chem.HybridizationType, ATOM_VOCABULARY["hybridization"]),
        _of_integers(0, 1, ATOM_VOCABULARY["is_aromatic"]),
        _of_integers(0, 1, ATOM_VOCABULARY["is_in_ring"]),
    ]
)
r"""From RDKit's values, as integers, to the columns of ``x``."""

BOND_CLASSES = Classifier(
    [
        _of_enum(Chem.BondType, BOND_VOCABULARY["bond_type"]),
        _of_enum(Chem.BondStereo, BOND_VOCABULARY["bond_stereo"]),
        _of_integers(0, 1, BOND_VOCABULARY["is_conjugated"]),
    ]
)
r"""From RDKit's values, as integers, to the columns of ``edge_attr``."""
