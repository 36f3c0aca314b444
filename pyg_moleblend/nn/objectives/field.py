from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from pyg_moleblend.nn.objectives.base import JointObjective
from pyg_moleblend.utils import DenseMolecules

Level = Literal["graph", "atom", "pair"]

LIMIT = 10.0
r"""Standardised values beyond this are cut to it: a descriptor may be thousands of deviations from its median."""

_IQR_TO_STD = 1.349  # of a normal distribution
_DIMENSIONS = {"graph": 1, "atom": 2, "pair": 3}


class Values(NamedTuple):
    r"""Numbers of a field, and which of them are known.

    Attributes:
        value: ``[..., size]``, 0 where it is not known.
        known: True where it is, of the same shape.
    """

    value: Tensor
    known: Tensor


class FieldObjective(JointObjective):
    r"""An objective that reads one declared field, of the graph, of each atom or of each ordered pair of atoms.

    It knows how its numbers are standardised: :meth:`fit` computes it, the model keeps it.

    Args:
        level: What has the field.
        field: Its name.
        size: Numbers of a row.
        standardize: Whether there is anything to fit.

    Raises:
        ValueError: If the level is none of these, or the size not positive.
    """

    def __init__(self, level: Level, field: str, size: int, standardize: bool) -> None:
        super().__init__()
        if level not in get_args(Level):
            raise ValueError(f"`level` must be one of {get_args(Level)}, got {level!r}")
        if type(size) is not int or size < 1:
            raise ValueError(f"`size` must be a positive integer, got {size!r}")
        self.level, self.field, self.size = level, field, size
        self.pair_fields = (field,) if level == "pair" else ()
        self.atom_fields = (field,) if level == "atom" else ()
        self.graph_fields = (field,) if level == "graph" else ()
        self.register_buffer("center", torch.zeros(size if standardize else 0))
        self.register_buffer("scale", torch.ones(size if standardize else 0))
        self.register_buffer("fitted", torch.tensor(not standardize))
        self.center: Tensor
        self.scale: Tensor
        self.fitted: Tensor

    def raw(self, molecules: DenseMolecules) -> Tensor:
        r"""The field, ``[B, ...]``, ``[B, N, ...]`` or ``[B, N, N, ...]``."""
        return {"graph": molecules.graphs, "atom": molecules.atoms, "pair": molecules.pairs}[self.level][self.field]

    def real(self, molecules: DenseMolecules) -> Tensor:
        r"""True for what is no padding, ``[B]``, ``[B, N]`` or ``[B, N, N]``."""
        if self.level == "graph":
            return torch.ones_like(molecules.has_2d)
        return molecules.mask if self.level == "atom" else molecules.pair_mask

    def values(self, molecules: DenseMolecules, packed: bool = False) -> Values:
        r"""The field's numbers, at least in float32. Known are finite ones of what is no padding.

        Args:
            molecules: The molecules.
            packed: Whether bytes are eight bits each where that gives the right number.

        Raises:
            ValueError: If a row has not ``size`` numbers.
        """
        raw = self.raw(molecules)
        value = raw if raw.dim() > _DIMENSIONS[self.level] else raw[..., None]
        if packed and not value.is_floating_point() and value.size(-1) == -(-self.size // 8) != self.size:
            value = unpacked(value, self.size)
        if value.size(-1) != self.size:
            what = f"bits a row, {-(-self.size // 8)} bytes where packed" if packed else "numbers a row"
            raise ValueError(
                f"field {self.field!r} must have {self.size} {what}, got {list(raw.shape)}; give the objective the "
                "size that the field has"
            )
        if value.dtype != torch.double:
            value = value.float()
        known = value.isfinite() & self.real(molecules)[..., None]
        return Values(torch.where(known, value, torch.zeros_like(value)), known)

    def standardized(self, values: Values) -> Tensor:
        r"""The numbers less the median, divided by the spread, and cut to :data:`LIMIT`; anything where unknown."""
        return ((values.value - self.center) / self.scale).clamp(-LIMIT, LIMIT)

    def known_rows(self, molecules: DenseMolecules) -> Tensor:
        r"""The field's rows of real graphs, atoms or pairs, ``[M, size]``, for :meth:`fit`."""
        real, raw = self.real(molecules), self.raw(molecules)
        if raw.numel() != real.numel() * self.size:
            raise ValueError(f"field {self.field!r} must have {self.size} numbers a row, got {list(raw.shape)}")
        return raw[real].reshape(-1, self.size)

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        r"""Computes what numbers are standardised by: median and interquartile range of each column.

        The range is divided by 1.349, which makes it the standard deviation of a normal distribution. A column that
        mostly has one value has the deviation from it instead; one of one value, or without any, is not scaled.

        Args:
            values: Rows of the field, ``[M, size]`` (or ``[M]``); what is not finite is unknown.
        """
        if not len(self.center):
            return
        for number, column in enumerate(values.reshape(-1, self.size).unbind(1)):
            known = column[column.isfinite()].double()
            if not len(known):
                self.center[number], self.scale[number] = 0.0, 1.0
                continue
            low, middle, high = quartiles(known)
            spread = (high - low) / _IQR_TO_STD
            if not spread > 0:
                spread = (known - middle).square().mean().sqrt()
            self.center[number] = middle
            self.scale[number] = spread if spread > 0 else 1.0
        self.fitted.fill_(True)


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
