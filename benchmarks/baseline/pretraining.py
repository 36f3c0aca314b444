r"""The pretraining step written straight from its description (arXiv 2307.06235, section 3.2), to measure against."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.baseline.model import NUM_BOND_CLASSES, ROWS, UNREACHABLE, PlainBatch, PlainEncoder
from pyg_moleblend.models import Blend, MoleBlendConfig

PAIR_CHANNELS, NUM_SPD_CLASSES = 32, 11
HIDDEN = 256  # between the two linear maps of the 3D head


class OuterProduct(nn.Module):
    r"""Row feature times column feature of every pair, ``[B, N, N, R * R]``."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.row, self.column = nn.Linear(channels, width), nn.Linear(channels, width)
        self.row_norm, self.column_norm = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)

    def forward(self, atoms: Tensor) -> Tensor:
        row = self.row_norm(F.gelu(self.row(atoms)))
        column = self.column_norm(F.gelu(self.column(atoms)))
        return torch.einsum("bir,bjq->bijrq", row, column).flatten(-2)


class PlainPretraining(nn.Module):
    r"""Encoder, recovery heads, denoising head and losses."""

    def __init__(self, config: MoleBlendConfig) -> None:
        super().__init__()
        C, R = config.channels, PAIR_CHANNELS
        self.config = config
        self.encoder = PlainEncoder(config)
        self.spd_pair, self.bond_pair, self.shift_pair = (OuterProduct(C, R) for _ in range(3))
        self.spd_out = nn.Linear(R * R, NUM_SPD_CLASSES)
        self.bond_out = nn.Linear(R * R, config.max_path_length * NUM_BOND_CLASSES)
        self.shift_hidden = nn.Linear(R * R, HIDDEN)
        self.shift_out = nn.ModuleList(nn.Linear(HIDDEN, 1) for _ in range(3))
        self.query, self.key, self.value = (nn.Linear(C, C) for _ in range(3))
        self.force = nn.ModuleList(nn.Linear(C, 1) for _ in range(3))
        self.dropout = nn.Dropout(0.1)

    def forward(self, batch: PlainBatch, blend: Blend) -> dict[str, Tensor]:
        r"""The four losses by name."""
        noise = blend.pos_noise * batch.mask[..., None]
        pos = batch.pos + noise
        states, bias = self.encoder(batch, pos, blend.relation, blend.atom_feature)
        atoms = states[:, 1:]
        hidden = self.shift_hidden(self.shift_pair(atoms))
        shift = torch.cat([out(hidden) for out in self.shift_out], dim=-1)  # [B, N, N, 3]
        return {
            "spd": self._spd_loss(self.spd_out(self.spd_pair(atoms)), batch),
            "bond_path": self._bond_loss(self.bond_out(self.bond_pair(atoms)), batch),
            "displacement": self._shift_loss(shift, batch),
            "denoising": self._denoising_loss(atoms, bias[:, :, 1:, 1:], pos, noise, batch, blend),
        }

    def _spd_loss(self, logits: Tensor, batch: PlainBatch) -> Tensor:
        hops = batch.spd - 1
        counted = (hops >= 1) & (batch.spd != UNREACHABLE)
        return F.cross_entropy(logits[counted], hops[counted].clamp(max=NUM_SPD_CLASSES) - 1)

    def _bond_loss(self, logits: Tensor, batch: PlainBatch) -> Tensor:
        kind, stereo, conjugated = (batch.edges - 1 - ROWS * torch.arange(3)).unbind(-1)  # [B, N, N, P]
        counted = batch.edges[..., 0] > 0
        target = kind * 6 + stereo * 2 + conjugated
        logits = logits.view(*counted.shape, NUM_BOND_CLASSES)
        return F.cross_entropy(logits[counted], target[counted])

    def _shift_loss(self, shift: Tensor, batch: PlainBatch) -> Tensor:
        N = batch.mask.size(1)
        pairs = batch.mask[:, :, None] & batch.mask[:, None, :] & ~torch.eye(N, dtype=torch.bool)
        target = batch.pos[:, None] - batch.pos[:, :, None]
        error = (1 - F.cosine_similarity(shift, target, dim=-1)) * pairs
        counts = pairs.sum((1, 2))
        return (error.sum((1, 2)) / counts.clamp(min=1))[counts > 0].mean()

    def _denoising_loss(
        self, atoms: Tensor, bias: Tensor, pos: Tensor, noise: Tensor, batch: PlainBatch, blend: Blend
    ) -> Tensor:
        B, N, C = atoms.shape
        H = self.config.heads
        query, key, value = (
            linear(atoms).view(B, N, H, -1).transpose(1, 2) for linear in (self.query, self.key, self.value)
        )
        weights = self.dropout((query * (C // H) ** -0.5 @ key.transpose(2, 3) + bias).softmax(-1))
        shift = pos[:, None] - pos[:, :, None]
        direction = shift / (shift.norm(dim=-1, keepdim=True) + 1e-5)
        turned = weights[..., None] * direction[:, None]  # [B, H, N, N, 3]
        moved = turned.permute(0, 1, 4, 2, 3) @ value[:, :, None]  # [B, H, 3, N, D]
        moved = moved.permute(0, 3, 2, 1, 4).reshape(B, N, 3, C)
        force = torch.cat([linear(moved[:, :, axis]) for axis, linear in enumerate(self.force)], dim=-1)
        counted = batch.mask & (blend.atom_feature == 1)
        return (1 - F.cosine_similarity(force, noise, dim=-1))[counted].mean()
