from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from pyg_moleblend.components import Component
from pyg_moleblend.nn.reset import reset_children
from pyg_moleblend.utils import DenseMolecules

RELATION_MODALITIES = ("2d", "3d")


class RelationBias(Component, nn.Module, ABC):
    r"""Attention bias of one relation between atoms: what a relation is made of (arXiv 2307.06235, section 3.2).

    A subclass says in ``modality`` whether a molecule needs its 2D structure or its coordinates to have the
    relation, in ``pair_fields`` (and ``atom_fields``, ``graph_fields``) which fields of ``Data`` it reads, and in
    :meth:`forward` what the bias is. The encoder leaves the relation out for molecules that do not have the modality,
    and for pairs for which another relation was drawn. The first argument of its constructor is ``heads``.
    """

    modality: str = "2d"
    pair_fields: tuple[str, ...] = ()
    atom_fields: tuple[str, ...] = ()
    graph_fields: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if isinstance(cls.modality, str) and cls.modality not in RELATION_MODALITIES:
            raise ValueError(f"`modality` of {cls.__name__} must be one of {RELATION_MODALITIES}, got {cls.modality!r}")

    def reset_parameters(self) -> None:
        r"""Draws fresh weights; by default each child draws its own."""
        reset_children(self)

    @abstractmethod
    def forward(self, molecules: DenseMolecules) -> Tensor:
        r"""The bias, ``[B, H, N, N]``; entries with a padded atom are not used."""
