r"""What tells bonds apart: OGB's three features as one byte, or categories of one's own."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

BOND_FEATURE_SIZES: tuple[int, ...] = (5, 6, 2)
r"""Number of values of each of OGB's bond features: type, stereo, conjugated."""

NUM_BOND_CLASSES: int = 60
r"""Number of distinct bonds, ``5 * 6 * 2``. A bond class is one byte: 0 is no bond, else 1 to 60."""

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
