from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_moleblend.utils import DenseMolecules
from pyg_moleblend.utils.dense import require_soon

NONE = -1
ALL = {"2d+3d": -2, "2d": -3, "3d": -4}
r"""Numbers of choices that are no single relation: all those of a modality at once, summed."""


class Blend(NamedTuple):
    r"""One draw of blend-then-predict, a value that can be replayed (arXiv 2307.06235, section 3.2).

    Attributes:
        relation: Number of the relation that enters for each ordered pair, ``[B, N, N]`` int64, in the order of the
            encoder's relations (0 spd, 1 bond path, 2 distance, then those that were added); -1 none, -2 all, -3 all 2D
            relations, -4 all 3D relations.
        atom_feature: Feature that enters for each atom, ``[B, N]`` int64 (0 degree, 1 distance; -1 to -4 likewise).
        pos_noise: Noise that is added to the coordinates, in Å, ``[B, N, 3]``.
    """

    relation: Tensor
    atom_feature: Tensor
    pos_noise: Tensor


def chosen_enters(chosen: Tensor, number: int, modality: str) -> Tensor:
    r"""Where a relation or feature of this number and modality was chosen, alone or with others; bool."""
    return (chosen == number) | (chosen == ALL["2d+3d"]) | (chosen == ALL[modality])


def check_blend(blend: Blend, molecules: DenseMolecules, num_relations: int) -> None:
    r"""Raises :class:`ValueError` unless a blend has the shapes of the molecules and chooses what there is.

    A GPU is not waited for: there a choice of what there is not is an error of the device.
    """
    B, N = molecules.mask.shape
    shapes = {"relation": (B, N, N), "atom_feature": (B, N), "pos_noise": (B, N, 3)}
    for name, shape in shapes.items():
        if getattr(blend, name).shape != shape:
            raise ValueError(
                f"the blend's `{name}` must have shape {list(shape)}, N = {N} being the largest molecule of the batch, "
                f"got {list(getattr(blend, name).shape)}"
            )
    for name, limit in (("relation", num_relations), ("atom_feature", 2)):
        chosen = getattr(blend, name)
        require_soon(
            ((chosen >= min(ALL.values())) & (chosen < limit)).all(),
            f"the blend's `{name}` must choose from 0 to {limit - 1}, or -1 for none, -2 for all, -3 for all of "
            "2D, -4 for all of 3D",
        )


def constant_blend(molecules: DenseMolecules, relation: int, atom_feature: int) -> Blend:
    r"""The blend in which one relation and one atom feature enter everywhere and nothing is noisy."""
    B, N = molecules.mask.shape
    full = molecules.mask.new_full
    return Blend(
        relation=full((B, N, N), relation, dtype=torch.long),
        atom_feature=full((B, N), atom_feature, dtype=torch.long),
        pos_noise=torch.zeros_like(molecules.pos),
    )
