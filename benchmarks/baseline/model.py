r"""The method written straight from its description, to measure against: nothing contracted, nothing tabulated.

Pair tensors are int64 with three features a hop, every hop is embedded, outer products of the recovery heads exist as
a whole, and two linear maps in a row are two. :func:`benchmarks.baseline.weights.copy_weights` gives it the weights of
one of our models, and then it gives the same losses.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.models import MoleBlendConfig

ROWS = 512  # of a feature in an embedding table
UNREACHABLE = 511
NUM_BOND_CLASSES = 24


class PlainBatch(NamedTuple):
    r"""Padded molecules; 0 is padding in every integer.

    Attributes:
        x: ``[B, N, 9]`` int64, ``1 + value + 512 * feature``.
        degree: ``[B, N]`` int64, ``1 + degree``.
        spd: ``[B, N, N]`` int64, ``1 + hops``; 511 unreachable.
        edges: ``[B, N, N, P, 3]`` int64, ``1 + value + 512 * feature`` of each hop's bond.
        pos: ``[B, N, 3]`` float32, in Å.
        mask: ``[B, N]`` bool, True for atoms.
    """

    x: Tensor
    degree: Tensor
    spd: Tensor
    edges: Tensor
    pos: Tensor
    mask: Tensor


class Encoding(NamedTuple):
    r"""States ``[B, 1 + N, C]`` and attention bias ``[B, H, 1 + N, 1 + N]``."""

    states: Tensor
    bias: Tensor


class PlainEncoder(nn.Module):
    r"""The encoder (arXiv 2307.06235; arXiv 2106.05234; arXiv 2210.01765)."""

    def __init__(self, config: MoleBlendConfig) -> None:
        super().__init__()
        C, H, K, P = config.channels, config.heads, config.num_gaussians, config.max_path_length
        self.heads, self.path_length = H, P
        self.atom = nn.Embedding(9 * ROWS + 1, C, padding_idx=0)
        self.in_degree = nn.Embedding(ROWS, C, padding_idx=0)
        self.out_degree = nn.Embedding(ROWS, C, padding_idx=0)
        self.token = nn.Parameter(torch.zeros(C))
        self.token_bias = nn.Parameter(torch.zeros(H))
        self.spd = nn.Embedding(ROWS, H, padding_idx=0)
        self.bond = nn.Embedding(3 * ROWS + 1, H, padding_idx=0)
        self.hops = nn.Parameter(torch.zeros(P, H, H))
        self.scale = nn.Embedding(2 * ROWS, 1)
        self.shift = nn.Embedding(2 * ROWS, 1)
        self.means = nn.Parameter(torch.zeros(K))
        self.stds = nn.Parameter(torch.ones(K))
        self.bias1, self.bias2 = nn.Linear(K, K), nn.Linear(K, H)
        self.geometry = nn.Linear(K, C)
        self.norm = nn.LayerNorm(C)
        self.layers = nn.ModuleList(PlainLayer(config) for _ in range(config.num_layers))

    def gaussians(self, batch: PlainBatch, pos: Tensor) -> Tensor:
        r"""``[B, N, N, K]``, by one look-up of the pair's types a pair."""
        B, N = batch.mask.shape
        kind = (batch.x[..., 0] - 1).clamp(min=0)
        pair = torch.stack([kind[:, :, None].expand(B, N, N), kind[:, None, :].expand(B, N, N) + ROWS], dim=-1)
        distance = (pos[:, :, None] - pos[:, None]).norm(dim=-1)
        value = self.scale(pair).sum(-2) * distance[..., None] + self.shift(pair).sum(-2)  # [B, N, N, 1]
        sigma = self.stds.abs() + 0.01
        density = torch.exp(-0.5 * ((value.expand(B, N, N, len(sigma)) - self.means) / sigma) ** 2)
        return density / (math.sqrt(2 * 3.14159) * sigma)

    def biases(self, batch: PlainBatch, gaussians: Tensor) -> list[Tensor]:
        r"""The three relations' biases, ``[B, H, N, N]`` each."""
        B, N = batch.mask.shape
        H, P = self.heads, self.path_length
        bonds = self.bond(batch.edges).mean(-2)  # [B, N, N, P, H]
        bonds = torch.bmm(bonds.permute(3, 0, 1, 2, 4).reshape(P, -1, H), self.hops)
        bonds = bonds.view(P, B, N, N, H).permute(1, 2, 3, 0, 4).sum(-2)
        hops = (batch.spd - 1).clamp(min=1, max=P)[..., None]
        distance = self.bias2(F.gelu(self.bias1(gaussians)))
        return [bias.permute(0, 3, 1, 2) for bias in (self.spd(batch.spd), bonds / hops, distance)]

    def forward(self, batch: PlainBatch, pos: Tensor, relation: Tensor | None, feature: Tensor | None) -> Encoding:
        B, N = batch.mask.shape
        gaussians = self.gaussians(batch, pos)
        biases = self.biases(batch, gaussians)
        degree = self.in_degree(batch.degree) + self.out_degree(batch.degree)
        geometry = 0.01 * self.geometry((gaussians * batch.mask[:, None, :, None]).sum(2))
        if relation is not None:
            biases = [bias * (relation == number)[:, None] for number, bias in enumerate(biases)]
        if feature is not None:
            degree, geometry = degree * (feature == 0)[..., None], geometry * (feature == 1)[..., None]
        atoms = self.atom(batch.x).sum(-2) + degree + geometry
        bias = atoms.new_zeros(B, self.heads, 1 + N, 1 + N)
        bias[:, :, 1:, 1:] = biases[0] + biases[1] + biases[2]
        bias[:, :, 0, :] = bias[:, :, 0, :] + self.token_bias[:, None]
        bias[:, :, 1:, 0] = bias[:, :, 1:, 0] + self.token_bias[:, None]
        keys = F.pad(batch.mask, (1, 0), value=True)
        bias = bias.masked_fill(~keys[:, None, None, :], float("-inf"))
        states = self.norm(torch.cat([self.token.expand(B, 1, -1), atoms], dim=1))
        for layer in self.layers:
            states = layer(states, bias)
        return Encoding(states, bias)


class PlainLayer(nn.Module):
    r"""Post-norm transformer layer with one linear map each for queries, keys and values."""

    def __init__(self, config: MoleBlendConfig) -> None:
        super().__init__()
        C = config.channels
        self.query, self.key, self.value, self.out = (nn.Linear(C, C) for _ in range(4))
        self.fc1, self.fc2 = nn.Linear(C, config.ffn_channels), nn.Linear(config.ffn_channels, C)
        self.attention_norm, self.final_norm = nn.LayerNorm(C), nn.LayerNorm(C)
        self.heads = config.heads
        self.attention_dropout = nn.Dropout(config.attention_dropout)
        self.activation_dropout = nn.Dropout(config.activation_dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        B, T, C = x.shape
        query, key, value = (
            linear(x).view(B, T, self.heads, -1).transpose(1, 2).reshape(B * self.heads, T, -1)
            for linear in (self.query, self.key, self.value)
        )
        scores = torch.bmm(query * query.size(-1) ** -0.5, key.transpose(1, 2)).view(B, self.heads, T, T) + bias
        weights = self.attention_dropout(scores.softmax(-1)).view(B * self.heads, T, T)
        mixed = torch.bmm(weights, value).view(B, self.heads, T, -1).transpose(1, 2).reshape(B, T, C)
        x = self.attention_norm(x + self.out(mixed))
        return self.final_norm(x + self.fc2(self.activation_dropout(F.gelu(self.fc1(x)))))
