from __future__ import annotations

from collections.abc import Mapping
from types import MethodType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.models.config import MoleBlendConfig
from pyg_moleblend.models.memory import check_memory
from pyg_moleblend.nn import (
    AtomEmbedding,
    AttentionBias,
    Blend,
    BondPathBias,
    DistanceBias,
    GaussianBasis,
    MoleBlendLayer,
    RelationBias,
    SPDBias,
)
from pyg_moleblend.nn.checkpointing import run
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.precision import INIT_STD, LayerNorm
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.utils import DenseMolecules, Modality, pack


class EncoderOutput(NamedTuple):
    r"""Representations of a batch of molecules.

    Attributes:
        graph: State of the graph token, ``[B, C]``.
        atoms: State of each atom in the batch's order, ``[ΣN, C]``.
    """

    graph: Tensor
    atoms: Tensor


class DenseEncoderOutput(NamedTuple):
    r"""Representations of a batch of molecules in padded form.

    Attributes:
        graph: State of the graph token, ``[B, C]``.
        atoms: State of each atom, ``[B, N, C]``; meaningless where padded.
        bias: The attention bias, ``[B, H, 1 + N, 1 + N]``.
    """

    graph: Tensor
    atoms: Tensor
    bias: Tensor


def default_relations(config: MoleBlendConfig) -> dict[str, RelationBias]:
    r"""The three relations of the paper; add your own entry to blend more (arXiv 2307.06235, section 3.1)."""
    return {
        "spd": SPDBias(config.heads),
        "bond_path": BondPathBias(config.heads, config.max_path_length),
        "distance": DistanceBias(config.num_gaussians, config.heads),
    }


class MoleBlend(nn.Module):
    r"""The MoleBLEND encoder (arXiv 2307.06235): a transformer over a molecule's atoms and one graph token, whose
    attention is biased by the relations between atoms. The same class serves pretraining and fine-tuning.

    :meth:`forward` takes a PyG batch. :meth:`encode` is the same on dense tensors of given sizes: the part to
    compile, which ``model.compile(fullgraph=True, dynamic=True)`` does in place.

    With ``activation_checkpointing = True`` training computes the embedding, the bias and whatever lies between the
    linear maps of a layer, the attention among it, anew in the backward pass: for long molecules or large batches in
    little memory.

    Args:
        config: The model's shape.
        relations: Bias of each relation by name; those of :func:`default_relations` by default.
    """

    activation_checkpointing: bool = False

    def __init__(self, config: MoleBlendConfig, relations: Mapping[str, RelationBias] | None = None) -> None:
        super().__init__()
        self.config = config
        self.gaussians = GaussianBasis(config.num_gaussians)
        self.atom_embedding = AtomEmbedding(config.channels, config.num_gaussians)
        self.graph_token = nn.Parameter(torch.empty(config.channels))
        self.embedding_norm = LayerNorm(config.channels)
        self.dropout = nn.Dropout(config.dropout)
        relations = default_relations(config) if relations is None else relations
        self.attention_bias = AttentionBias(relations, config.heads)
        last = max(config.num_layers - 1, 1)
        self.layers = nn.ModuleList(
            MoleBlendLayer(
                config.channels,
                config.heads,
                config.ffn_channels,
                config.dropout,
                config.attention_dropout,
                config.activation_dropout,
                config.drop_path * number / last,
            )
            for number in range(config.num_layers)
        )
        nn.init.normal_(self.graph_token, std=INIT_STD)

    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""
        nn.init.normal_(self.graph_token, std=INIT_STD)
        for module in (
            self.gaussians,
            self.atom_embedding,
            self.embedding_norm,
            self.attention_bias,
            *self.layers,
        ):
            module.reset_parameters()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        r"""Compiles :meth:`encode` in place; packing a batch has data-dependent sizes and stays outside."""
        # Bound anew, so that a copy of the model runs with the copy's weights.
        self.encode = MethodType(torch.compile(type(self).encode, *args, **kwargs), self)  # type: ignore[method-assign]

    def pack(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> DenseMolecules:
        r"""Lays out a batch as :meth:`encode` wants it; see :func:`pyg_moleblend.utils.pack`.

        Raises:
            MemoryError: If the batch cannot fit; see :func:`pyg_moleblend.models.check_memory`.
        """
        check_memory(self.config, batch, self.activation_checkpointing, recovery=False)
        return pack(batch, self.attention_bias.blend.pair_fields, self.config.max_path_length, modality)

    def embed(self, molecules: DenseMolecules, blend: Blend | None = None) -> tuple[Tensor, Tensor]:
        r"""Tokens before the first layer ``[B, 1 + N, C]`` and the attention bias ``[B, H, 1 + N, 1 + N]``."""
        distance = pair_distances(molecules.pos)
        molecules = molecules.with_pair(GAUSSIANS, self.gaussians(distance, molecules.x[..., 0]))
        atoms = self.atom_embedding(molecules, None if blend is None else blend.atom_feature)
        token = self.graph_token.expand(atoms.size(0), 1, -1).to(atoms.dtype)
        tokens = self.dropout(self.embedding_norm(torch.cat([token, atoms], dim=1)))
        return tokens, self.attention_bias(molecules, None if blend is None else blend.relation)

    def encode(self, molecules: DenseMolecules, blend: Blend | None = None) -> DenseEncoderOutput:
        r"""Encodes packed molecules; with a blend, only the relation that was drawn enters for each pair.

        Args:
            molecules: From :meth:`pack`.
            blend: A draw; its noise is not added here.
        """
        anew = self.activation_checkpointing and torch.is_grad_enabled()
        tokens, bias = run(self.embed, molecules, blend, activation_checkpointing=anew)
        for layer in self.layers:
            tokens = layer(tokens, bias, anew)
        return DenseEncoderOutput(tokens[:, 0], tokens[:, 1:], bias)

    def forward(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> EncoderOutput:
        r"""Encodes a batch of molecules.

        Args:
            batch: A ``Batch`` or one ``Data`` with the fields of :mod:`pyg_moleblend.fields`.
            modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
        """
        molecules = self.pack(batch, modality)
        output = self.encode(molecules)
        return EncoderOutput(output.graph, output.atoms[molecules.mask])
