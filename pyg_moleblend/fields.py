r"""What this package puts on :class:`torch_geometric.data.Data`, in one place.

Every field has its shape, dtype, unit and sentinel here, and so have the numbers that several modules share. Pair
fields are flat, row-major ``[N * N, ...]`` tensors: PyG's own collate concatenates them, so ``Batch``,
``InMemoryDataset`` and ``DataLoader`` workers need to know nothing of them.
"""

from typing import Literal, NamedTuple

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


class Field(NamedTuple):
    r"""One attribute of a ``Data`` object."""

    name: str
    shape: str
    dtype: str
    meaning: str
    is_pair: bool = False


FIELDS: tuple[Field, ...] = (
    Field("x", "[N, 9]", "int64", "OGB atom features"),
    Field("edge_index", "[2, E]", "int64", "both directions of every bond, in OGB's order"),
    Field("edge_attr", "[E, 3]", "int64", "OGB bond features"),
    Field("pos", "[N, 3]", "float32", "coordinates in Å; NaN rows where there is no 3D structure"),
    Field(
        "conformers",
        "[N, K, 3]",
        "float32",
        "K coordinates in Å, NaN where one is missing, the first being `pos`; training draws one an epoch; optional",
    ),
    Field("has_pos", "[1]", "bool", "False: use the molecule as 2D only, whatever `pos` holds; optional"),
    Field(
        "spd",
        "[N * N]",
        "uint8",
        "shortest-path distance in bonds: 0 self, 254 or more, 255 unreachable",
        True,
    ),
    Field(
        "bond_path",
        "[N * N, P]",
        "uint8",
        "bond class of each hop of the shortest path, 0 past its end",
        True,
    ),
    Field("smiles", "str", "str", "the molecule as it was given"),
    Field("conformer_error", "str", "str", "why the conformers are not as asked for, empty if they are; optional"),
    Field("y", "[1, T]", "float32", "targets; NaN is a missing label"),
)

PAIR_FIELDS: tuple[str, ...] = tuple(field.name for field in FIELDS if field.is_pair)
r"""The pair fields that follow from the bonds: a batch without them is served too."""


def bond_class(edge_attr: Tensor) -> Tensor:
    r"""The one-byte class of each bond, ``1 + type * 12 + stereo * 2 + conjugated``.

    Args:
        edge_attr: OGB bond features, integers of shape ``[..., 3]``.

    Returns:
        ``[...]`` uint8 tensor with values 1 to 60.

    Raises:
        ValueError: If a feature is outside OGB's vocabulary.
    """
    if edge_attr.is_floating_point() and edge_attr.numel():
        raise ValueError(f"bond features must be integers in OGB's vocabulary, got {edge_attr.dtype}")
    edge_attr = edge_attr.long()
    sizes = torch.tensor(BOND_FEATURE_SIZES, device=edge_attr.device)
    if bool(((edge_attr < 0) | (edge_attr >= sizes)).any()):
        raise ValueError(
            f"bond features must lie within OGB's vocabulary (sizes {BOND_FEATURE_SIZES}), got values up to "
            f"{edge_attr.reshape(-1, 3).amax(0).tolist()}; convert PyG's own features with "
            "pyg_moleblend.chem.pyg_to_ogb_features"
        )
    kind, stereo, conjugated = edge_attr.unbind(-1)
    return (1 + kind * 12 + stereo * 2 + conjugated).to(torch.uint8)


def bond_class_features() -> Tensor:
    r"""OGB's three features of each bond class, ``[60, 3]`` int64; the inverse of :func:`bond_class`."""
    index = torch.arange(NUM_BOND_CLASSES)
    return torch.stack([index // 12, index // 2 % 6, index % 2], dim=-1)


BondVocabulary = Literal["ogb", "release"]


def bond_class_targets(vocabulary: BondVocabulary = "ogb") -> Tensor:
    r"""What a classifier of bonds is to predict for each bond class, ``[61]`` int64; -1 is not counted.

    Args:
        vocabulary: ``"ogb"``, all 60 classes, or ``"release"``, the 24 of the authors' release
            (``type * 6 + stereo * 2 + conjugated``, for types below 4 and stereo below 3).

    Raises:
        ValueError: If the vocabulary is neither.
    """
    kind, stereo, conjugated = bond_class_features().unbind(-1)
    if vocabulary == "ogb":
        target = torch.arange(NUM_BOND_CLASSES)
    elif vocabulary == "release":
        target = torch.where((kind < 4) & (stereo < 3), kind * 6 + stereo * 2 + conjugated, -1)
    else:
        raise ValueError(f"the bond vocabulary must be 'ogb' or 'release', got {vocabulary!r}")
    return torch.cat([torch.tensor([-1]), target])
