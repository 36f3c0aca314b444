from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.nn.backward import touched
from pyg_moleblend.nn.blending.blend import ALL, chosen_enters
from pyg_moleblend.nn.checks import check_built_for, named_parts
from pyg_moleblend.nn.relations.base import RELATION_MODALITIES, RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.utils import DenseMolecules


def shut_padded_keys(bias: Tensor, mask: Tensor) -> Tensor:
    r"""The bias ``[B, H, T, T]`` with ``-inf`` at the keys where the mask ``[B, T]`` is False."""
    return bias.masked_fill(~mask[:, None, None, :], float("-inf"))


class RelationBlend(nn.Module):
    r"""Sums the biases of all relations, or lets one of them in for each pair: the blending of MoleBLEND
    (arXiv 2307.06235, section 3.2).

    Relations of a modality that no molecule of the batch has are not computed.

    Args:
        relations: Bias of each relation by name; their order numbers the relations of a blend.
        heads: H.

    Shapes:
        - **input:** molecules; optionally the relation that is to enter for each pair, ``[B, N, N]`` int64
        - **output:** ``[B, H, N, N]``; zeros ``[B, 1, N, N]`` where no relation is computed

    Raises:
        ValueError: If there is no relation, or one that cannot enter; the message names it.
    """

    def __init__(self, relations: Mapping[str, RelationBias], heads: int) -> None:
        super().__init__()
        if not relations:
            raise ValueError("an attention bias needs at least one relation")
        self.heads = heads
        self.relations = named_parts("relation", relations, RelationBias, reserved=list(ALL))
        for name, relation in self.items():
            check_built_for(f"relation {name!r}", relation, heads=heads)
            if relation.modality not in RELATION_MODALITIES:
                raise ValueError(
                    f"`modality` of relation {name!r} must be one of {RELATION_MODALITIES}, got {relation.modality!r}"
                )

    def items(self) -> list[tuple[str, RelationBias]]:
        r"""Names and biases of the relations, in the order that numbers them."""
        return [(name, cast(RelationBias, relation)) for name, relation in self.relations.items()]

    def reset_parameters(self) -> None:
        for _, relation in self.items():
            relation.reset_parameters()

    @property
    def modalities(self) -> dict[str, str]:
        r"""``"2d"`` or ``"3d"`` for each relation by name, in the order that numbers them."""
        return {name: relation.modality for name, relation in self.items()}

    def biases(self, molecules: DenseMolecules, chosen: Tensor | None = None) -> dict[str, Tensor]:
        r"""What each relation adds to the sum, by name, each ``[B, H, N, N]`` or of a shape that is broadcast to it;
        relations of a modality that no molecule has are left out."""
        biases = {}
        for number, (name, relation) in enumerate(self.items()):
            if relation.modality not in molecules.modalities:
                continue
            enters = molecules.available(relation.modality)[:, None, None, None]  # [B, 1, 1, 1]
            if chosen is not None:
                enters = enters & chosen_enters(chosen, number, relation.modality)[:, None]  # [B, 1, N, N]
            bias = relation(molecules)
            self._check(name, bias, molecules)
            biases[name] = torch.where(enters, bias, torch.zeros_like(bias))
        return biases

    def forward(self, molecules: DenseMolecules, chosen: Tensor | None = None) -> Tensor:
        biases = self.biases(molecules, chosen)
        idle = [relation for name, relation in self.items() if name not in biases]
        if not biases:  # a point cloud, say, in a model of 2D relations
            B, N = molecules.mask.shape
            return touched(molecules.pos.new_zeros(B, 1, N, N), *idle)
        first, *others = biases.values()
        return touched(sum(others, start=first), *idle)

    def _check(self, name: str, bias: Tensor, molecules: DenseMolecules) -> None:
        B, N = molecules.mask.shape
        H = self.heads
        # One may stand for all molecules, or all heads.
        fits = bias.dim() == 4 and bias.size(0) in (1, B) and bias.size(1) in (1, H) and bias.shape[2:] == (N, N)
        if not fits:
            raise ValueError(f"relation {name!r} must give [B, H, N, N] = {[B, H, N, N]}, got {list(bias.shape)}")


class AttentionBias(nn.Module):
    r"""The attention bias of a molecule with its graph token, computed once a forward and shared by all layers.

    Args:
        relations (Mapping[str, RelationBias]): Bias of each relation by name; their order numbers the relations of a
            blend.
        heads (int): H.

    Shapes:
        - **input:** molecules; optionally the relation that is to enter for each pair, ``[B, N, N]`` int64
        - **output:** ``[B, H, 1 + N, 1 + N]``, ``-inf`` at padded keys
    """

    def __init__(self, relations: Mapping[str, RelationBias], heads: int) -> None:
        super().__init__()
        self.blend = RelationBlend(relations, heads)
        self.graph_token = nn.Parameter(torch.empty(heads))
        nn.init.normal_(self.graph_token, std=INIT_STD)  # the relations come with the weights they have

    def reset_parameters(self) -> None:
        self.blend.reset_parameters()
        nn.init.normal_(self.graph_token, std=INIT_STD)

    def forward(self, molecules: DenseMolecules, chosen: Tensor | None = None) -> Tensor:
        return self.with_graph_token(self.blend(molecules, chosen), molecules.mask)

    def with_graph_token(self, bias: Tensor, mask: Tensor) -> Tensor:
        r"""The bias of all tokens, ``[B, H, 1 + N, 1 + N]``.

        Args:
            bias: That of the atoms, ``[B, H, N, N]`` or ``[B, 1, N, N]``.
            mask: True for real atoms, ``[B, N]``.
        """
        bias = F.pad(bias, (1, 0, 1, 0))
        first = torch.arange(bias.size(-1), device=bias.device) == 0
        token = (first[:, None] | first) * self.graph_token[:, None, None]  # [H, T, T], the corner once
        return shut_padded_keys(bias + token, F.pad(mask, (1, 0), value=True))

    def extra_repr(self) -> str:
        return f"heads={self.graph_token.numel()}"
