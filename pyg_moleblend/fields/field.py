r"""The registry of fields: each has its level, shape, dtype, unit and sentinel here.

A field of your own needs one call of :func:`declare`; then it travels through datasets, shards, loaders and packed
batches. Pair fields are flat, row-major ``[N * N, ...]`` tensors: PyG's own collate concatenates them, so ``Batch``,
``InMemoryDataset`` and ``DataLoader`` workers need to know nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal, NamedTuple, get_args

ATOM_FEATURE_SIZES: tuple[int, ...] = (119, 5, 12, 12, 10, 6, 6, 2, 2)
r"""Number of values of each of OGB's atom features: atomic number, chirality, degree, formal charge,
hydrogens, radical electrons, hybridization, aromatic, in ring."""

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
        transform: Attaches the field to a ``Data`` or ``Batch`` that lacks it, or ``"module:Class"`` of ours, imported
            when it is wanted; see :func:`transforms_for`.
    """

    name: str
    level: Level
    size: int | None = None
    dtype: str = "float32"
    unit: str = ""
    sentinel: str = ""
    meaning: str = ""
    transform: Callable[[Any], Any] | str | None = None

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
    return [_made(transform) for transform in dict.fromkeys(missing) if transform is not None]


def _made(transform: Callable[[Any], Any] | str) -> Callable[[Any], Any]:
    if not isinstance(transform, str):
        return transform
    module, _, name = transform.partition(":")
    made: Callable[[Any], Any] = getattr(import_module(module), name)()
    return made


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
        "pyg_moleblend.transforms.add_rings:AddRings",
    ),
    Field(
        "brics",
        "pair",
        None,
        "uint8",
        "",
        "0",
        "1 in one BRICS fragment, 2 in joined ones, 0 else; attached by pyg_moleblend.transforms.AddFragments",
        "pyg_moleblend.transforms.add_fragments:AddFragments",
    ),
    Field("smiles", "graph", None, "str", "", "", "the molecule as it was given"),
    Field("id", "graph", None, "str", "", "", "the molecule's name in its source"),
    Field("conformer_error", "graph", None, "str", "", "", "why the conformers are not as asked for, or empty"),
    Field("row", "graph", None, "int64", "", "", "row of the source, counted from 0"),
    Field("quantum_properties", "graph", 8, "float32", "", "NaN", "of GFN2-xTB: solvation, orbitals, dipole, energy"),
    Field("quantum_charges", "atom", 2, "float32", "e", "NaN", "of GFN2-xTB: an atom's own, and its hydrogens' sum"),
    Field("quantum_bond_orders", "pair", None, "float32", "", "NaN", "of GFN2-xTB: Wiberg-Mayer, 0 on the diagonal"),
    Field("y", "graph", None, "float32", "", "NaN", "[1, T]: targets; double until they are standardised"),
    Field(
        "label_side", "graph", None, "int8", "", "0", "[1, T]: -1 the value is below the target, 1 above, 0 it is it"
    ),
    Field("label_weight", "graph", None, "float32", "", "", "[1, T]: by what the loss of each label is multiplied"),
):
    FIELDS[_field.name] = _field

PAIR_FIELDS: tuple[str, ...] = ("spd", "bond_path")
r"""The pair fields that follow from the bonds: a batch without them is served too."""
