r"""What this package reads from and puts on :class:`torch_geometric.data.Data`, in one place.

Every field has its level, shape, dtype, unit and sentinel here, and so have the numbers that several modules share. A
field of your own needs one call of :func:`declare`; then it travels through datasets, shards, loaders and packed
batches.

Pair fields are flat, row-major ``[N * N, ...]`` tensors: PyG's own collate concatenates them, so ``Batch``,
``InMemoryDataset`` and ``DataLoader`` workers need to know nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

ATOM_FEATURE_SIZES: tuple[int, ...] = (119, 5, 12, 12, 10, 6, 6, 2, 2)
r"""Number of values of each of OGB's atom features: atomic number, chirality, degree, formal charge,
hydrogens, radical electrons, hybridization, aromatic, in ring."""

BOND_FEATURE_SIZES: tuple[int, ...] = (5, 6, 2)
r"""Number of values of each of OGB's bond features: type, stereo, conjugated."""

NUM_BOND_CLASSES: int = 60
r"""Number of distinct bonds, ``5 * 6 * 2``. A bond class is one byte: 0 is no bond, else 1 to 60."""

SPD_MAX: int = 254
r"""Shortest-path distances of 254 hops and more share this value."""

SPD_UNREACHABLE: int = 255
r"""Shortest-path distance between atoms of different fragments."""

MAX_PATH_LENGTH: int = 5
r"""Bonds of a path that are kept, by default; the value of the published model."""


Level = Literal["pair", "atom", "edge", "graph"]

_MEANINGFUL_TO_PYG = ("index", "batch", "ptr", "face")


class Field(NamedTuple):
    r"""One attribute of a ``Data`` object.

    Attributes:
        name: Its key.
        level: What has a row: an ordered ``"pair"`` of atoms ``[N * N, ...]``, an ``"atom"`` ``[N, ...]``, a directed
            ``"edge"`` ``[E, ...]``, or the ``"graph"`` ``[1, ...]``.
        size: Numbers of a row; ``None`` is one number without a dimension of its own, or any shape.
        dtype: Type of the numbers; ``"str"`` for texts.
        unit: Their unit, ``""`` where there is none.
        sentinel: What stands for "unknown" or "none".
        meaning: What it says, in a few words.
        transform: Attaches the field to a ``Data`` or ``Batch`` that lacks it; see :func:`transforms_for`.
    """

    name: str
    level: Level
    size: int | None = None
    dtype: str = "float32"
    unit: str = ""
    sentinel: str = ""
    meaning: str = ""
    transform: Callable[[Any], Any] | None = None

    @property
    def shape(self) -> str:
        r"""The shape of the tensor on ``Data``, for people."""
        rows = {"pair": "N * N", "atom": "N", "edge": "E", "graph": "1"}[self.level]
        return f"[{rows}]" if self.size is None else f"[{rows}, {self.size}]"


FIELDS: dict[str, Field] = {}
r"""All fields by name: those below, and those that were declared."""


def declare(
    name: str,
    level: Level,
    size: int | None = None,
    dtype: str = "float32",
    unit: str = "",
    sentinel: str = "NaN",
    meaning: str = "",
    transform: Callable[[Any], Any] | None = None,
) -> Field:
    r"""Makes a field of your own known. Declaring it a second time with the same words changes nothing.

    Args:
        name: Its key on ``Data``.
        level: ``"pair"``, ``"atom"``, ``"edge"`` or ``"graph"``.
        size: Numbers of a row; ``None`` is one number without a dimension of its own.
        dtype: Type of the numbers.
        unit: Their unit.
        sentinel: What stands for "unknown".
        meaning: What it says.
        transform: Attaches it to a ``Data`` that lacks it, where a model asks for it.

    Raises:
        ValueError: If the name is another field's, or one that PyG treats in a way of its own.
    """
    if level not in get_args(Level):
        raise ValueError(f"`level` must be one of {get_args(Level)}, got {level!r}")
    special = (*_MEANINGFUL_TO_PYG, *(["edge"] if level != "edge" else []))
    if not name.isidentifier() or any(word in name for word in special):
        raise ValueError(
            f"a field of level {level!r} cannot be called {name!r}: its name must be an identifier without {special}, "
            "to which PyG gives a meaning"
        )
    if size is not None and (type(size) is not int or size < 1):
        raise ValueError(f"`size` must be a positive integer or None, got {size!r}")
    field = Field(name, level, size, dtype, unit, sentinel, meaning, transform)
    other = FIELDS.get(name)
    if other is not None and other._replace(transform=None, meaning="") != field._replace(transform=None, meaning=""):
        raise ValueError(
            f"field {name!r} is declared already, as {other._replace(transform=None)}; choose another name"
        )
    if other is not None:  # who says less takes nothing away
        field = field._replace(transform=transform or other.transform, meaning=meaning or other.meaning)
    FIELDS[name] = field
    return field


def level_of(name: str, default: Level | None = None) -> Level:
    r"""Level of a field.

    Raises:
        ValueError: If it was not declared and there is no default.
    """
    if name in FIELDS:
        return FIELDS[name].level
    if default is not None:
        return default
    raise ValueError(f"field {name!r} is not known: say pyg_moleblend.fields.declare({name!r}, level=...)")


def transforms_for(names: Any, present: Any) -> list[Callable[[Any], Any]]:
    r"""The transforms that attach the fields among ``names`` that are not ``present``, each once, in order."""
    missing = [FIELDS[name].transform for name in sorted(names) if name not in present and name in FIELDS]
    return list(dict.fromkeys(transform for transform in missing if transform is not None))


for _field in (
    Field("x", "atom", 9, "int64", "", "", "OGB atom features, or integers of your own"),
    Field("edge_index", "edge", 2, "int64", "", "", "[2, E]: both directions of every bond, in OGB's order"),
    Field("edge_attr", "edge", 3, "int64", "", "", "OGB bond features, or one category"),
    Field("pos", "atom", 3, "float32", "Å", "NaN", "coordinates; NaN rows where there is no 3D structure"),
    Field("conformers", "atom", None, "float32", "Å", "NaN", "[N, K, 3]: K coordinates, the first being `pos`"),
    Field("has_pos", "graph", None, "bool", "", "", "False: use the molecule as 2D only, whatever `pos` holds"),
    Field("spd", "pair", None, "uint8", "bonds", "255", "shortest path: 0 self, 254 or more, 255 unreachable"),
    Field("bond_path", "pair", None, "uint8", "", "0", "[N * N, P]: class of each bond of the shortest path, 0 none"),
    Field(
        "ring_size",
        "pair",
        None,
        "uint8",
        "atoms",
        "0",
        "smallest ring that two atoms share, 0 none; attached by pyg_moleblend.transforms.AddRings",
    ),
    Field(
        "brics",
        "pair",
        None,
        "uint8",
        "",
        "0",
        "1 in one BRICS fragment, 2 in joined ones, 0 else; attached by pyg_moleblend.transforms.AddFragments",
    ),
    Field("smiles", "graph", None, "str", "", "", "the molecule as it was given"),
    Field("id", "graph", None, "str", "", "", "the molecule's name in its source"),
    Field("conformer_error", "graph", None, "str", "", "", "why the conformers are not as asked for, or empty"),
    Field("row", "graph", None, "int64", "", "", "row of the source, counted from 0"),
    Field("quantum_properties", "graph", 8, "float32", "", "NaN", "of GFN2-xTB: solvation, orbitals, dipole, energy"),
    Field("quantum_charges", "atom", 2, "float32", "e", "NaN", "of GFN2-xTB: an atom's own, and its hydrogens' sum"),
    Field("quantum_bond_orders", "pair", None, "float32", "", "NaN", "of GFN2-xTB: Wiberg-Mayer, 0 on the diagonal"),
    Field("y", "graph", None, "float32", "", "NaN", "[1, T]: targets; double until they are standardised"),
):
    FIELDS[_field.name] = _field

PAIR_FIELDS: tuple[str, ...] = ("spd", "bond_path")
r"""The pair fields that follow from the bonds: a batch without them is served too."""

BondVocabulary = Literal["ogb"] | int
r"""Which bonds there are: OGB's three features, or so many categories in one integer."""


_VOCABULARY_HINT = (
    "bonds of one category need bond_vocabulary=NUMBER, and edge features of another kind bond_vocabulary=None, "
    "in default_relations(config, bond_vocabulary=...), default_objectives likewise, MoleBlendConv and AddRelations"
)


def num_bond_classes(vocabulary: BondVocabulary) -> int:
    r"""How many different bonds a vocabulary has.

    Raises:
        ValueError: If it is neither ``"ogb"`` nor a number from 1 to 255.
    """
    if vocabulary == "ogb":
        return NUM_BOND_CLASSES
    if type(vocabulary) is not int or not 1 <= vocabulary <= 255:
        raise ValueError(f"`bond_vocabulary` must be 'ogb' or a number of categories from 1 to 255, got {vocabulary!r}")
    return vocabulary


def bond_class(edge_attr: Tensor, vocabulary: BondVocabulary = "ogb") -> Tensor:
    r"""The one-byte class of each bond, 0 being no bond: for OGB's features ``1 + type * 12 + stereo * 2 +
    conjugated``.

    Args:
        edge_attr: OGB bond features, integers of shape ``[..., 3]``; or categories, integers ``[E]`` or ``[E, 1]``.
        vocabulary: ``"ogb"``, or the number of categories.

    Returns:
        uint8 tensor with values from 1.

    Raises:
        ValueError: If a feature is outside the vocabulary.
    """
    classes, inside = bond_class_unchecked(edge_attr, vocabulary)
    if not bool(inside):
        raise_for_bonds(edge_attr, vocabulary)
    return classes


def bond_class_unchecked(edge_attr: Tensor, vocabulary: BondVocabulary = "ogb") -> tuple[Tensor, Tensor]:
    r"""The same, and a bool that says whether all features are inside the vocabulary: no device is waited for."""
    if edge_attr.is_floating_point() and edge_attr.numel():
        raise ValueError(f"bond features must be integers, got {edge_attr.dtype}; {_VOCABULARY_HINT}")
    edge_attr = edge_attr.long()
    if vocabulary == "ogb":
        if edge_attr.dim() < 1 or edge_attr.size(-1) != len(BOND_FEATURE_SIZES):
            raise ValueError(
                f"`edge_attr` must hold OGB's {len(BOND_FEATURE_SIZES)} bond features a row, got shape "
                f"{list(edge_attr.shape)}; {_VOCABULARY_HINT}"
            )
        sizes = edge_attr.new_tensor(BOND_FEATURE_SIZES)
        inside = ((edge_attr >= 0) & (edge_attr < sizes)).all()
        kind, stereo, conjugated = edge_attr.unbind(-1)
        return (1 + kind * 12 + stereo * 2 + conjugated).to(torch.uint8), inside
    size = num_bond_classes(vocabulary)
    if edge_attr.dim() == 2 and edge_attr.size(1) == 1:
        edge_attr = edge_attr[:, 0]
    if edge_attr.dim() != 1:
        raise ValueError(
            f"bonds of {size} categories need `edge_attr` of shape [E] or [E, 1], got {list(edge_attr.shape)}; "
            f"{_VOCABULARY_HINT}"
        )
    return (1 + edge_attr).to(torch.uint8), ((edge_attr >= 0) & (edge_attr < size)).all()


def raise_for_bonds(edge_attr: Tensor, vocabulary: BondVocabulary) -> None:
    r"""Raises :class:`ValueError` for bond features outside the vocabulary."""
    rows = edge_attr.reshape(len(edge_attr), -1)
    found = f"got values up to {rows.amax(0).tolist()}, from {rows.amin(0).tolist()}"
    if vocabulary == "ogb":
        raise ValueError(
            f"bond features must lie within OGB's vocabulary (sizes {BOND_FEATURE_SIZES}), {found}; "
            "convert PyG's own features with pyg_moleblend.chem.pyg_to_ogb_features"
        )
    raise ValueError(f"bond categories must be from 0 to {int(vocabulary) - 1}, {found}; see `bond_vocabulary`")


def bond_class_features() -> Tensor:
    r"""OGB's three features of each bond class, ``[60, 3]`` int64; the inverse of :func:`bond_class`."""
    index = torch.arange(NUM_BOND_CLASSES)
    return torch.stack([index // 12, index // 2 % 6, index % 2], dim=-1)


def bond_class_targets(vocabulary: BondVocabulary | Literal["release"] = "ogb") -> Tensor:
    r"""What a classifier of bonds is to predict for each bond class, ``[1 + classes]`` int64; -1 is not counted.

    Args:
        vocabulary: ``"ogb"``, all 60 classes; ``"release"``, the 24 of the authors' release
            (``type * 6 + stereo * 2 + conjugated``, for types below 4 and stereo below 3); or a number of categories.

    Raises:
        ValueError: If the vocabulary is none of these.
    """
    kind, stereo, conjugated = bond_class_features().unbind(-1)
    if vocabulary == "release":
        target = torch.where((kind < 4) & (stereo < 3), kind * 6 + stereo * 2 + conjugated, -1)
    else:
        target = torch.arange(num_bond_classes(vocabulary))
    return torch.cat([torch.tensor([-1]), target])
