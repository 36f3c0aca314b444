from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.objectives.base import Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.field import FieldObjective
from pyg_moleblend.nn.precision import full_precision
from pyg_moleblend.nn.reset import reset_linear

MAX_SCALE = 100.0
r"""The similarity of two vectors is divided by a temperature of at least 0.01."""

_FIRST_SCALE = 1 / 0.07


@register
class Agreement(FieldObjective):
    r"""The graph token is to agree with a given vector of its molecule, and not with those of the batch's others.

    The vector may be another model's, of the molecule's name say. Graph token and vector are each mapped by a hidden
    layer to unit vectors, whose cosines over a learned temperature are the logits of which vector belongs to which
    molecule, and the other way round (Radford et al. 2021, arXiv 2103.00020). The temperature stays between 0.01 and 1.
    The vector's numbers are standardised by what :meth:`fit` computes.

    Not counted is a molecule whose vector has an unknown number, nor is a batch with fewer than two that count.
    Between several processes nothing is compared.

    Args:
        channels: C.
        field: Name of the vector, a graph field ``[1, size]``; NaN where unknown.
        size: Its length.
        out_channels: D, length of the vectors that are compared. (default: :obj:`64`)
        hidden_channels: Width of the hidden layers; C by default.

    Shapes:
        - **output:** unit vectors ``[B, D]``
    """

    quality_name = "retrieval"

    def __init__(
        self, channels: int, field: str, size: int, out_channels: int = 64, hidden_channels: int | None = None
    ) -> None:
        super().__init__("graph", field, size, standardize=True)
        hidden = hidden_channels or channels
        self.head = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, out_channels))
        self.vector_head = nn.Sequential(nn.Linear(size, hidden), nn.GELU(), nn.Linear(hidden, out_channels))
        self.log_scale = nn.Parameter(torch.empty(()))  # of a sigmoid: bounded, and never stuck at the bound
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for module in (*self.head, *self.vector_head):
            if isinstance(module, nn.Linear):
                reset_linear(module)
        share = math.log(_FIRST_SCALE) / math.log(MAX_SCALE)
        nn.init.constant_(self.log_scale, math.log(share / (1 - share)))

    @property
    def temperature(self) -> Tensor:
        r"""What similarities are divided by, a scalar."""
        return (-math.log(MAX_SCALE) * full_precision(self.log_scale).sigmoid()).exp()

    def forward(self, state: RecoveryState) -> Tensor:
        return F.normalize(full_precision(self.head(state.graph)), dim=-1)

    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome:
        values = self.values(state.molecules)
        known = values.known.all(-1)  # [B]
        vectors = self.vector_head(self.standardized(values).to(self.log_scale.dtype))
        vectors = F.normalize(full_precision(vectors), dim=-1)
        known = known & (known.sum() > 1)
        count = known.sum()
        with torch.autocast(prediction.device.type, enabled=False):
            logits = prediction @ vectors.T / self.temperature  # [B, B]
        logits = logits.masked_fill(~(known[:, None] & known), torch.finfo(logits.dtype).min)
        target = torch.where(known, torch.arange(len(known), device=known.device), -1)
        both = (logits, logits.T)
        total = sum(F.cross_entropy(way, target, ignore_index=-1, reduction="sum") for way in both)
        with torch.no_grad():
            hits = torch.stack([((way.argmax(1) == target) & known).sum() for way in both]).sum()
        return Outcome(0.5 * total / count.clamp(min=1), Quality(0.5 * hits, count))
