from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.objectives.base import Objective, Quality, RecoveryState
from pyg_moleblend.nn.pair_head import PairHead
from pyg_moleblend.nn.precision import full_precision, reset_linear
from pyg_moleblend.utils import DenseMolecules

Level = Literal["graph", "atom", "pair"]
Kind = Literal["value", "class", "bits"]

LIMIT = 10.0
r"""Standardised values beyond this are cut to it: a descriptor may be thousands of deviations from its median."""

_IQR_TO_STD = 1.349  # of a normal distribution


class Counted(NamedTuple):
    r"""Targets of an objective, and which of them count.

    Attributes:
        target: ``[..., size]``, or classes ``[...]``; anything where it does not count.
        known: True where it counts, of the same shape.
    """

    target: Tensor
    known: Tensor


@register
class Recover(Objective):
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
            makes them.
        hidden_channels: Width of the head's hidden layer, of a graph or an atom; C by default.
        pair_channels: Width of the row and the column feature, of a pair.

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
        super().__init__()
        for name, value, allowed in (("level", level, get_args(Level)), ("kind", kind, get_args(Kind))):
            if value not in allowed:
                raise ValueError(f"`{name}` must be one of {allowed}, got {value!r}")
        if type(size) is not int or size < 1:
            raise ValueError(f"`size` must be a positive integer, got {size!r}")
        self.level, self.field, self.size, self.kind = level, field, size, kind
        self.pair_fields = (field,) if level == "pair" else ()
        self.atom_fields = (field,) if level == "atom" else ()
        self.graph_fields = (field,) if level == "graph" else ()
        self.quality_name = {"value": "mae", "class": "accuracy", "bits": "balanced_accuracy"}[kind]
        self.is_likelihood = kind != "value"
        hidden = hidden_channels or channels
        self.head: nn.Module
        if level == "pair":
            self.head = PairHead(channels, size, pair_channels)
        else:
            self.head = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, size))
        self.register_buffer("center", torch.zeros(size if kind == "value" else 0))
        self.register_buffer("scale", torch.ones(size if kind == "value" else 0))
        self.register_buffer("fitted", torch.tensor(kind != "value"))
        self.center: Tensor
        self.scale: Tensor
        self.fitted: Tensor
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

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        r"""Computes the statistics that targets are standardised by: median and interquartile range of each column.

        A column without known values, or of one value, is shifted and not scaled.

        Args:
            values: Rows of the field, ``[M, size]`` (or ``[M]``), NaN where unknown.
        """
        if self.kind != "value":
            return
        rows = values.reshape(-1, self.size)
        for number, column in enumerate(rows.unbind(1)):
            known = column[column.isfinite()].double()
            if not len(known):
                self.center[number], self.scale[number] = 0.0, 1.0
                continue
            low, middle, high = quartiles(known)
            spread = (high - low) / _IQR_TO_STD
            if not spread > 0:  # mostly one value: counts of a rare group, say
                spread = (known - middle).square().mean().sqrt()
            self.center[number] = middle
            self.scale[number] = spread if spread > 0 else 1.0
        self.fitted.fill_(True)

    def known_rows(self, molecules: DenseMolecules) -> Tensor:
        r"""The field's rows of real atoms and pairs, ``[M, size]``, for :meth:`fit`."""
        fields = {"graph": molecules.graphs, "atom": molecules.atoms, "pair": molecules.pairs}[self.level]
        mask = {"graph": None, "atom": molecules.mask, "pair": molecules.pair_mask}[self.level]
        value = fields[self.field] if mask is None else fields[self.field][mask]
        return value.reshape(-1, self.size)

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.graph if self.level == "graph" else state.atoms)

    def counted(self, state: RecoveryState) -> Counted:
        r"""The targets, and which of them count: those that are known, of real atoms."""
        molecules = state.molecules
        fields = {"graph": molecules.graphs, "atom": molecules.atoms, "pair": molecules.pairs}[self.level]
        value = fields[self.field]
        leading = {"graph": 1, "atom": 2, "pair": 3}[self.level]
        if self.kind == "class":
            target = value.reshape(value.shape[:leading]).long()
            known = target >= 0
        else:
            target = value if value.dim() > leading else value[..., None]
            if (
                self.kind == "bits"
                and not target.is_floating_point()
                and target.size(-1) == -(-self.size // 8) != self.size
            ):
                target = unpacked(target, self.size)
            if target.size(-1) != self.size:
                raise ValueError(f"field {self.field!r} must have {self.size} numbers a row, got {list(value.shape)}")
            target = full_precision(target) if target.is_floating_point() else target.float()
            known = target.isfinite()
            target = torch.where(known, target, torch.zeros_like(target))
            if self.kind == "value":
                target = ((target - self.center) / self.scale).clamp(-LIMIT, LIMIT)
        mask = {"graph": None, "atom": molecules.mask, "pair": molecules.pair_mask}[self.level]
        if mask is not None:
            known = known & (mask if known.dim() == mask.dim() else mask[..., None])
        return Counted(target, known)

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        target, known = self.counted(state)
        prediction = full_precision(prediction)
        if self.kind == "class":
            losses = F.cross_entropy(prediction.movedim(-1, 1), target.clamp(min=0), reduction="none")
        elif self.kind == "bits":
            losses = F.binary_cross_entropy_with_logits(prediction, target.to(prediction.dtype), reduction="none")
        else:
            losses = F.smooth_l1_loss(prediction, target.to(prediction.dtype), reduction="none")
        return torch.where(known, losses, torch.zeros_like(losses)).sum() / known.sum().clamp(min=1)

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        target, known = self.counted(state)
        count = known.sum()
        if self.kind == "class":
            hits = (prediction.argmax(-1) == target) & known
            return Quality(hits.sum().float(), count)
        if self.kind == "value":
            return Quality(((prediction - target).abs() * known).sum(), count)
        right, ones = (prediction > 0) == (target > 0.5), target > 0.5
        sides = torch.stack([known & ones, known & ~ones]).flatten(1)  # [2, entries]
        totals = sides.sum(1)
        shares = (sides & right.flatten()).sum(1) / totals.clamp(min=1)
        return Quality(shares.sum() / (totals > 0).sum().clamp(min=1) * count, count)

    def extra_repr(self) -> str:
        return f"level={self.level!r}, field={self.field!r}, size={self.size}, kind={self.kind!r}"


def quartiles(values: Tensor) -> Tensor:
    r"""First quartile, median and third quartile of numbers ``[M]``, ``[3]``, interpolated linearly."""
    ordered = values.sort().values  # torch.quantile takes 16 million numbers at most
    place = (len(ordered) - 1) * ordered.new_tensor([0.25, 0.5, 0.75])
    below = place.long()
    above = (below + 1).clamp(max=len(ordered) - 1)
    return torch.lerp(ordered[below], ordered[above], place - below)


def unpacked(packed: Tensor, size: int) -> Tensor:
    r"""Bits ``[..., size]`` bool of bytes ``[..., ceil(size / 8)]``, the highest bit of a byte first."""
    shifts = torch.arange(7, -1, -1, device=packed.device, dtype=torch.uint8)
    return ((packed.to(torch.uint8)[..., None] >> shifts) & 1).flatten(-2)[..., :size].bool()
