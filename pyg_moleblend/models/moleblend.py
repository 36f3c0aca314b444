from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MethodType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.components import Component, arguments_with, register
from pyg_moleblend.fields import BondVocabulary
from pyg_moleblend.models.config import DROPOUTS, MoleBlendConfig, check_config, check_paths
from pyg_moleblend.models.memory import check_memory
from pyg_moleblend.models.wanted import Wanted, wanted_by
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
from pyg_moleblend.nn.atom_embedding import CHOSEN
from pyg_moleblend.nn.backward import run, touched
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.precision import LayerNorm
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.nn.reset import INIT_STD, reset_children
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
    r"""Representations of a batch of molecules in padded form: what ``encode`` of any encoder gives.

    Attributes:
        graph: State of the graph token, ``[B, C]``.
        atoms: State of each atom, ``[B, N, C]``; meaningless where padded.
        bias: The attention bias, ``[B, H, 1 + N, 1 + N]``; an encoder without one leaves it out.
    """

    graph: Tensor
    atoms: Tensor
    bias: Tensor


class HiddenStates(NamedTuple):
    r"""The same with the states on the way.

    Attributes:
        graph: State of the graph token, ``[B, C]``.
        atoms: State of each atom, ``[B, N, C]``; meaningless where padded.
        bias: The attention bias, ``[B, H, 1 + N, 1 + N]``.
        hidden_states: States of the atoms before the first layer and after each, ``[B, N, C]``.
    """

    graph: Tensor
    atoms: Tensor
    bias: Tensor
    hidden_states: tuple[Tensor, ...]


def default_relations(
    config: MoleBlendConfig, bond_vocabulary: BondVocabulary | None = "ogb"
) -> dict[str, RelationBias]:
    r"""The three relations of the paper; add your own entry to blend more (arXiv 2307.06235, section 3.1).

    Args:
        config: The encoder's shape.
        bond_vocabulary: ``"ogb"``, the number of categories of bonds that have one, or ``None`` for graphs without bond
            features, whose paths have hops alone. (default: :obj:`"ogb"`)
    """
    relations: dict[str, RelationBias] = {"spd": SPDBias(config.heads)}
    if bond_vocabulary is not None:
        relations["bond_path"] = BondPathBias(config.heads, config.max_path_length, bond_vocabulary)
    relations["distance"] = DistanceBias(config.heads, config.num_gaussians)
    return relations


@register
class MoleBlend(Component, nn.Module):
    r"""The MoleBLEND encoder (arXiv 2307.06235): a transformer over a molecule's atoms and one graph token, whose
    attention is biased by the relations between atoms. The same class serves pretraining and fine-tuning.

    :meth:`forward` takes a PyG batch. :meth:`encode` is the same on dense tensors of given sizes: the part to
    compile, which ``model.compile(fullgraph=True, dynamic=True)`` does in place. Whatever has such an ``encode`` can be
    the encoder of a model.

    With ``activation_checkpointing = True`` training computes the atom embedding, the bias and whatever lies between
    the linear maps of a layer, the attention among it, again in the backward pass: for long molecules or large batches
    in little memory.

    Args:
        config: The model's shape.
        relations: Bias of each relation by name; those of :func:`default_relations` by default.
        atom_embedding: Initial state of the atoms, ``[B, N, C]`` of packed molecules; an
            :class:`~pyg_moleblend.nn.AtomEmbedding` of OGB's features by default. One that says ``feature_sizes`` has
            ``x`` checked against them, and one that has ``num_types`` and ``atom_types(molecules)`` tells the atom
            types of the Gaussian basis.

    Raises:
        ValueError: If there is no relation, or two of them differ in their ``bond_vocabulary``.
    """

    activation_checkpointing: bool = False

    def __init__(
        self,
        config: MoleBlendConfig,
        relations: Mapping[str, RelationBias] | None = None,
        atom_embedding: nn.Module | None = None,
    ) -> None:
        super().__init__()
        check_config(config)
        self.config = config
        if atom_embedding is None:
            atom_embedding = AtomEmbedding(config.channels, config.num_gaussians)
        if isinstance(atom_embedding, AtomEmbedding):
            atom_embedding.check_shape(config.channels, config.num_gaussians)
        self.gaussians = GaussianBasis(config.num_gaussians, getattr(atom_embedding, "num_types", 1))
        self.atom_embedding: Any = atom_embedding
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
        check_paths(config, self.attention_bias.blend.items())
        _ = self.wanted  # refuses parts that tell bonds apart in different ways
        nn.init.normal_(self.graph_token, std=INIT_STD)

    def component_arguments(self) -> dict[str, Any]:
        relations = dict(self.attention_bias.blend.items())
        return arguments_with(self, config=self.config, relations=relations, atom_embedding=self.atom_embedding)

    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""
        nn.init.normal_(self.graph_token, std=INIT_STD)
        reset_children(self)

    def set_dropouts(self, **dropouts: float) -> None:
        r"""Changes dropout probabilities of the configuration, and of the layers that have them.

        Args:
            dropouts: Any of ``dropout``, ``attention_dropout``, ``activation_dropout`` and ``drop_path``.

        Raises:
            ValueError: If another field of the configuration is to change, or a probability is none.
        """
        if unknown := sorted(set(dropouts) - set(DROPOUTS)):
            raise ValueError(f"only {DROPOUTS} of a built encoder can change, got {unknown}")
        values: dict[str, Any] = dict(dropouts)
        self.config = config = replace(self.config, **values)
        self.dropout.p = config.dropout
        last = max(config.num_layers - 1, 1)
        for number, layer in enumerate(self.layers):
            cast(MoleBlendLayer, layer).set_dropouts(
                config.dropout,
                config.attention_dropout,
                config.activation_dropout,
                config.drop_path * number / last,
            )

    def compile(self, *args: Any, **kwargs: Any) -> None:
        r"""Compiles :meth:`encode` in place; packing a batch has data-dependent sizes and stays outside."""
        # Bound again, so that a copy of the model runs with the copy's weights.
        self.encode = MethodType(torch.compile(type(self).encode, *args, **kwargs), self)  # type: ignore[method-assign]

    @property
    def modalities(self) -> dict[str, str]:
        r"""``"2d"`` or ``"3d"`` for each relation by name, in the order that numbers the relations of a blend."""
        return self.attention_bias.blend.modalities

    @property
    def wanted(self) -> Wanted:
        r"""What the encoder reads of its molecules."""
        return wanted_by([*(relation for _, relation in self.attention_bias.blend.items()), self.atom_embedding])

    @property
    def feature_sizes(self) -> tuple[int, ...] | None:
        r"""Number of values of each column of ``x``; ``None`` where the atom embedding takes any."""
        return getattr(self.atom_embedding, "feature_sizes", None)

    def pack(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> DenseMolecules:
        r"""Lays out a batch as :meth:`encode` wants it; see :func:`pyg_moleblend.utils.pack`.

        Raises:
            MemoryError: If the batch cannot fit; see :func:`pyg_moleblend.models.check_memory`.
        """
        return pack_for(self, self.wanted, batch, self.config, modality)

    def tokens_and_bias(self, molecules: DenseMolecules, blend: Blend | None = None) -> tuple[Tensor, Tensor]:
        r"""Tokens before the first layer ``[B, 1 + N, C]`` and the attention bias ``[B, H, 1 + N, 1 + N]``."""
        molecules = self.with_gaussians(molecules)
        idle = [] if "3d" in molecules.modalities else [self.gaussians]
        if blend is not None:
            molecules = molecules.with_atom(CHOSEN, blend.atom_feature)
        atoms = self.atom_embedding(molecules)
        if atoms.shape != (*molecules.mask.shape, self.config.channels):
            raise ValueError(
                f"the atom embedding must give [B, N, {self.config.channels}], got shape {list(atoms.shape)} from "
                f"{type(self.atom_embedding).__name__}"
            )
        token = self.graph_token.expand(atoms.size(0), 1, -1).to(atoms.dtype)
        tokens = self.dropout(self.normalize(torch.cat([token, touched(atoms, *idle)], dim=1), molecules))
        return tokens, self.attention_bias(molecules, None if blend is None else blend.relation)

    def with_gaussians(self, molecules: DenseMolecules) -> DenseMolecules:
        r"""The molecules with the Gaussian basis of their distances, where there are any."""
        if "3d" not in molecules.modalities:
            return molecules
        return molecules.with_pair(GAUSSIANS, self.gaussians(pair_distances(molecules.pos), self._types(molecules)))

    def relation_biases(self, molecules: DenseMolecules) -> dict[str, Tensor]:
        r"""The bias of each relation that the molecules have, by name, each ``[B, H, N, N]`` or of a shape that is
        broadcast to it: what :meth:`tokens_and_bias` sums."""
        return self.attention_bias.blend.biases(self.with_gaussians(molecules))

    def normalize(self, tokens: Tensor, molecules: DenseMolecules) -> Tensor:
        r"""The tokens ``[B, 1 + N, C]`` normalised, before the first layer."""
        return self.embedding_norm(tokens)

    def encode(self, molecules: DenseMolecules, blend: Blend | None = None) -> DenseEncoderOutput:
        r"""Encodes packed molecules; with a blend, only what was drawn enters for each pair.

        Args:
            molecules: From :meth:`pack`.
            blend: A draw; its noise is not added here.
        """
        return DenseEncoderOutput(*self.encode_with_hidden_states(molecules, blend)[:3])

    def encode_with_hidden_states(self, molecules: DenseMolecules, blend: Blend | None = None) -> HiddenStates:
        r"""As :meth:`encode`, with the atoms' states between the layers."""
        recompute = self.activation_checkpointing and torch.is_grad_enabled()
        tokens, bias = run(self.tokens_and_bias, molecules, blend, activation_checkpointing=recompute)
        return self.run_layers(tokens, bias, recompute)

    def run_layers(self, tokens: Tensor, bias: Tensor, recompute: bool = False) -> HiddenStates:
        r"""What the layers make of tokens ``[B, 1 + N, C]`` and a bias ``[B, H, 1 + N, 1 + N]``, computed again in the
        backward pass with ``recompute``."""
        hidden_states = [tokens[:, 1:]]
        for layer in self.layers:
            tokens = layer(tokens, bias, recompute)
            hidden_states.append(tokens[:, 1:])
        return HiddenStates(tokens[:, 0], tokens[:, 1:], bias, tuple(hidden_states))

    def forward(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> EncoderOutput:
        r"""Encodes a batch of molecules.

        Args:
            batch: A ``Batch`` or one ``Data`` with the fields of :mod:`pyg_moleblend.fields`.
            modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
        """
        molecules = self.pack(batch, modality)
        output = self.encode(molecules)
        return EncoderOutput(output.graph, output.atoms[molecules.mask])

    def _types(self, molecules: DenseMolecules) -> Tensor:
        atom_types = getattr(self.atom_embedding, "atom_types", None)
        return torch.zeros_like(molecules.degree) if atom_types is None else atom_types(molecules)


def pack_for(
    encoder: Any,
    wanted: Wanted,
    batch: Data | DenseMolecules,
    config: MoleBlendConfig,
    modality: Modality,
    pair_outputs: int = 0,
) -> DenseMolecules:
    r"""Lays out a batch with what a model wants, for any encoder.

    Args:
        encoder: The model's encoder; one that does not say ``feature_sizes`` takes any ``x``.
        wanted: What the model reads.
        batch: The batch.
        config: The encoder's shape.
        modality: Which inputs to use.
        pair_outputs: Numbers predicted for each pair; see :func:`~pyg_moleblend.models.estimate_memory`.

    Raises:
        MemoryError: If the batch cannot fit; see :func:`~pyg_moleblend.models.check_memory`.
    """

    def check_size(counts: Tensor, largest: int) -> None:
        recompute = getattr(encoder, "activation_checkpointing", False)
        check_memory(config, counts, largest, recompute, pair_outputs, getattr(batch, "smiles", None))

    return pack(
        batch,
        wanted.pair_fields,
        config.max_path_length,
        modality,
        atom_fields=wanted.atom_fields,
        graph_fields=wanted.graph_fields,
        bond_vocabulary=wanted.bond_vocabulary or "ogb",
        atom_feature_sizes=getattr(encoder, "feature_sizes", None),
        check_size=check_size,
    )
