from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.objectives.base import Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.field import FieldObjective, Level, Values
from pyg_moleblend.nn.pair_head import PairHead
from pyg_moleblend.nn.precision import full_precision
from pyg_moleblend.nn.reset import reset_linear
from pyg_moleblend.utils.dense import require_soon

Kind = Literal["value", "class", "bits"]


@register
class Recover(FieldObjective):
    r"""Recovers a declared field of the graph, of each atom or of each ordered pair of atoms.

    Targets of one value are standardised by their median and interquartile range, which :meth:`fit` computes and the
    model keeps; the loss is then the smooth L1 error. Classes have a cross entropy, bits a binary one.

    Args:
        level: What has the field: ``"graph"``, ``"atom"`` or ``"pair"``.
        field: Its name.
        channels: C.
        size: Numbers of a row, number of classes, or number of bits.
        kind: ``"value"``: floating point, NaN where unknown. ``"class"``: integers, -1 where unknown. ``"bits"``: 0 and
            1, floating point with NaN where unknown, or integers; or bytes of eight bits each, as ``numpy.packbits``
            makes them. (default: :obj:`"value"`)
        hidden_channels: Width of the head's hidden layer, of a graph or an atom; C by default.
        pair_channels: Width of the row and the column feature, of a pair. (default: :obj:`32`)

    Shapes:
        - **output:** ``[B, size]``, ``[B, N, size]`` or ``[B, N, N, size]``: standardised values, or logits

    Raises:
        ValueError: If the level or the kind is none of these.
    """

    def __init__(
        self,
        level: Level,
        field: str,
        channels: int,
        size: int,
        kind: Kind = "value",
        hidden_channels: int | None = None,
        pair_channels: int = 32,
    ) -> None:
        super().__init__(level, field, size, standardize=kind == "value")
        if kind not in get_args(Kind):
            raise ValueError(f"`kind` must be one of {get_args(Kind)}, got {kind!r}")
        self.kind = kind
        self.quality_name = {"value": "mae", "class": "accuracy", "bits": "balanced_accuracy"}[kind]
        self.is_likelihood = kind != "value"
        hidden = hidden_channels or channels
        self.head: nn.Module
        if level == "pair":
            self.head = PairHead(channels, size, pair_channels)
        else:
            self.head = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, size))
        self.reset_parameters()

    @property
    def pair_outputs(self) -> int:
        return self.size if self.level == "pair" else 0

    def reset_parameters(self) -> None:
        if isinstance(self.head, PairHead):
            self.head.reset_parameters()
            return
        for module in self.head.modules():
            if isinstance(module, nn.Linear):
                reset_linear(module)

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.graph if self.level == "graph" else state.atoms)

    def counted(self, state: RecoveryState) -> Values:
        r"""The targets, ``[..., size]`` or classes ``[...]``, and which of them count: those that are known."""
        molecules = state.molecules
        if self.kind == "class":
            real, raw = self.real(molecules), self.raw(molecules)
            if raw.is_floating_point() or raw.numel() != real.numel():
                raise ValueError(
                    f"classes of field {self.field!r} must be one integer a row, -1 where unknown, got {raw.dtype} of "
                    f"shape {list(raw.shape)}"
                )
            target = raw.reshape(real.shape).long()
            known = (target >= 0) & real
            require_soon(
                (target < self.size).logical_or(~known).all(),
                f"classes of field {self.field!r} must be below size={self.size} of its objective",
            )
            return Values(target, known)
        values = self.values(molecules, packed=self.kind == "bits")
        if self.kind == "bits":
            require_soon(
                ((values.value >= 0) & (values.value <= 1)).all(), f"bits of field {self.field!r} must be 0 or 1"
            )
            return values
        return Values(self.standardized(values), values.known)

    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome:
        target, known = self.counted(state)
        count = known.sum()
        losses = self._losses(full_precision(prediction), target)
        loss = torch.where(known, losses, torch.zeros_like(losses)).sum() / count.clamp(min=1)
        with torch.no_grad():
            return Outcome(loss, Quality(self._total_quality(prediction, target, known, count), count))

    def _losses(self, prediction: Tensor, target: Tensor) -> Tensor:
        if self.kind == "class":
            return F.cross_entropy(prediction.movedim(-1, 1), target.clamp(min=0), reduction="none")
        if self.kind == "bits":
            return F.binary_cross_entropy_with_logits(prediction, target.to(prediction.dtype), reduction="none")
        return F.smooth_l1_loss(prediction, target.to(prediction.dtype), reduction="none")

    def _total_quality(self, prediction: Tensor, target: Tensor, known: Tensor, count: Tensor) -> Tensor:
        if self.kind == "class":
            return ((prediction.argmax(-1) == target) & known).sum().float()
        if self.kind == "value":
            errors = (prediction - target).abs()
            return torch.where(known, errors, torch.zeros_like(errors)).sum()
        right, ones = (prediction > 0) == (target > 0.5), target > 0.5
        sides = torch.stack([known & ones, known & ~ones]).flatten(1)  # [2, entries]
        totals = sides.sum(1)
        shares = (sides & right.flatten()).sum(1) / totals.clamp(min=1)
        return shares.sum() / (totals > 0).sum().clamp(min=1) * count
