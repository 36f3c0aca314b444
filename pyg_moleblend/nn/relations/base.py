from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from pyg_moleblend.utils import DenseMolecules


class RelationBias(nn.Module, ABC):
    r"""Attention bias of one relation between atoms: what a relation is made of (arXiv 2307.06235, section 3.2).

    A subclass says in ``modality`` whether a molecule needs its 2D structure or its coordinates to have the
    relation, in ``pair_fields`` which pair fields of ``Data`` it reads, and in :meth:`forward` what the bias is.
    The encoder leaves the relation out for molecules that do not have the modality, and for pairs for which
    another relation was drawn.
    """

    modality: str = "2d"
    pair_fields: tuple[str, ...] = ()

    @abstractmethod
    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""

    @abstractmethod
    def forward(self, molecules: DenseMolecules) -> Tensor:
        r"""The bias, ``[B, H, N, N]``; entries with a padded atom are not used."""
