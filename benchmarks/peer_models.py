r"""Property models of other packages, built like ours in layers, channels and heads, and what they are given."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import GINEConv, GPSConv, global_add_pool

from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPropertyPrediction
from pyg_moleblend.utils import DenseMolecules

_VALUES = 512  # of a feature; Graphormer's tables have as many rows for each
_ATOM_FEATURES, _BOND_FEATURES = 9, 3

Prepared = Callable[[], Tensor]
r"""A forward pass on one batch that lies ready: predictions ``[B, 1]``."""


def required(name: str, install: str) -> Any:
    r"""Imports a peer.

    Raises:
        ModuleNotFoundError: If it is not installed; says what to install.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ModuleNotFoundError(f"this peer needs another package: pip install {install!r} ({error})") from error


class Ours:
    r"""Our property model in 2D; the layout of the batch and its shortest paths are part of the pass."""

    def __init__(self, config: MoleBlendConfig) -> None:
        self.model = MoleBlendForPropertyPrediction(config, 1)

    def model_weights(self) -> list[nn.Parameter]:
        r"""What is learnt."""
        return list(self.model.parameters())

    def prepare(self, batch: Batch) -> Prepared:
        return lambda: self.model(batch, "2d")


class Graphormer:
    r"""``GraphormerForGraphClassification`` of transformers 4 (arXiv 2106.05234), published dropouts.

    Its inputs, shortest paths and features of every hop among them, lie ready: collating them is not measured.
    """

    def __init__(self, config: MoleBlendConfig) -> None:
        module = "transformers.models.deprecated.graphormer"
        found = required(module, "transformers==4.46.3")
        self.layout = MoleBlendForPropertyPrediction(config, 1).pack
        settings = found.GraphormerConfig(
            num_hidden_layers=config.num_layers,
            embedding_dim=config.channels,
            ffn_embedding_dim=config.ffn_channels,
            num_attention_heads=config.heads,
            multi_hop_max_dist=config.max_path_length,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            activation_dropout=config.activation_dropout,
        )
        self.model = found.GraphormerForGraphClassification(settings)

    def model_weights(self) -> list[nn.Parameter]:
        r"""What is learnt."""
        return list(self.model.parameters())

    def prepare(self, batch: Batch) -> Prepared:
        inputs = graphormer_inputs(self.layout(batch, "2d"), batch)
        return lambda: self.model(**inputs).logits


def graphormer_inputs(molecules: DenseMolecules, batch: Batch) -> dict[str, Tensor]:
    r"""What transformers' ``GraphormerDataCollator`` makes of a batch: a row of each feature's table, 0 for padding."""
    B, N = molecules.mask.shape
    atoms = molecules.x.long() + 2 + _VALUES * torch.arange(_ATOM_FEATURES)
    path = molecules.pairs["bond_path"].long()  # [B, N, N, P]
    kind = (path - 1).clamp(min=0)
    features = torch.stack([kind // 12, kind // 2 % 6, kind % 2], dim=-1)
    edges = torch.where((path > 0)[..., None], features + 2 + _VALUES * torch.arange(_BOND_FEATURES), 0)
    degree = torch.zeros(batch.num_nodes, dtype=torch.long).index_add_(
        0, batch.edge_index[0], torch.ones_like(batch.edge_index[0])
    )
    degrees = torch.zeros(B, N, dtype=torch.long).masked_scatter_(molecules.mask, degree + 1)
    return {
        "input_nodes": torch.where(molecules.mask[..., None], atoms, 0),
        "input_edges": edges,
        "attn_bias": torch.zeros(B, 1 + N, 1 + N),
        "in_degree": degrees,
        "out_degree": degrees,
        "spatial_pos": torch.where(molecules.pair_mask, molecules.pairs["spd"].long() + 1, 0),
        "attn_edge_type": edges[:, :, :, 0],
    }


class GPS(nn.Module):
    r"""PyG's :class:`~torch_geometric.nn.GPSConv` (arXiv 2205.12454) around a ``GINEConv``, full attention, summed."""

    def __init__(self, config: MoleBlendConfig) -> None:
        super().__init__()
        C = config.channels
        self.atom = nn.ModuleList(nn.Embedding(_VALUES, C) for _ in range(_ATOM_FEATURES))
        self.bond = nn.ModuleList(nn.Embedding(_VALUES, C) for _ in range(_BOND_FEATURES))
        self.layers = nn.ModuleList(
            GPSConv(
                C,
                GINEConv(nn.Sequential(nn.Linear(C, C), nn.ReLU(), nn.Linear(C, C))),
                heads=config.heads,
                attn_type="multihead",
                attn_kwargs={"dropout": config.attention_dropout},
            )
            for _ in range(config.num_layers)
        )
        self.out = nn.Sequential(nn.Linear(C, C), nn.ReLU(), nn.Linear(C, 1))

    def forward(self, batch: Batch) -> Tensor:
        x = torch.stack([table(column) for table, column in zip(self.atom, batch.x.long().T, strict=True)]).sum(0)
        columns = batch.edge_attr.long().T
        bonds = torch.stack([table(column) for table, column in zip(self.bond, columns, strict=True)]).sum(0)
        for layer in self.layers:
            x = layer(x, batch.edge_index, batch.batch, edge_attr=bonds)
        return self.out(global_add_pool(x, batch.batch))

    def model_weights(self) -> list[nn.Parameter]:
        r"""What is learnt."""
        return list(self.parameters())

    def prepare(self, batch: Batch) -> Prepared:
        return lambda: self(batch)
