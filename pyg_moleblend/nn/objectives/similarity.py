from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.objectives.base import Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.field import FieldObjective
from pyg_moleblend.nn.precision import full_precision
from pyg_moleblend.nn.reset import reset_linear

Measure = Literal["tanimoto", "cosine", "distance"]


@register
class Similarity(FieldObjective):
    r"""Two molecules of a batch are to be as similar as a field of theirs says.

    The graph token is mapped by a hidden layer to a vector. The inner product of two molecules' vectors is to be their
    similarity: the loss is the squared error over the pairs of different molecules. Each of the measures is a positive
    definite kernel, so vectors that are long enough can meet it. (Cosines could as well, but vectors that begin nearly
    parallel then part into opposite directions, and stay there for long.) MolCLaSS matches the similarity of 3D shapes
    (arXiv 2211.02130); here that is ``Similarity(C, "usr", 12, "distance")``, with
    :class:`~pyg_moleblend.transforms.AddShape`.

    Not counted is a molecule with an unknown number. Between several processes nothing is compared.

    Args:
        channels: C.
        field: Name of the field, of the graph.
        size: Numbers of a row, or bits.
        measure: ``"tanimoto"``: shared bits over all bits, of bits, packed or not; of counts or other numbers of at
            least 0 the sum of minima over the sum of maxima; 1 where there is none. ``"cosine"``: of two vectors.
            ``"distance"``: one over one plus the mean absolute difference, as of ultrafast shape recognition.
            (default: :obj:`"tanimoto"`)
        out_channels: D, length of the vectors that are compared. (default: :obj:`64`)
        hidden_channels: Width of the hidden layer; C by default.

    Shapes:
        - **output:** similarities ``[B, B]``

    Raises:
        ValueError: If the measure is none of these.
    """

    quality_name = "mae"

    def __init__(
        self,
        channels: int,
        field: str,
        size: int,
        measure: Measure = "tanimoto",
        out_channels: int = 64,
        hidden_channels: int | None = None,
    ) -> None:
        super().__init__("graph", field, size, standardize=False)
        if measure not in get_args(Measure):
            raise ValueError(f"`measure` must be one of {get_args(Measure)}, got {measure!r}")
        self.measure = measure
        hidden = hidden_channels or channels
        self.head = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for module in self.head:
            if isinstance(module, nn.Linear):
                reset_linear(module)

    def forward(self, state: RecoveryState) -> Tensor:
        vectors = full_precision(self.head(state.graph))  # [B, D]
        with torch.autocast(vectors.device.type, enabled=False):
            return vectors @ vectors.T

    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome:
        values = self.values(state.molecules, packed=self.measure == "tanimoto")
        known = values.known.all(-1)
        counted = known[:, None] & known & ~torch.eye(len(known), dtype=torch.bool, device=known.device)
        target = similarity(values.value, self.measure).to(prediction.dtype)
        error = torch.where(counted, prediction - target, torch.zeros_like(target))
        count = counted.sum()
        return Outcome(error.square().sum() / count.clamp(min=1), Quality(error.detach().abs().sum(), count))


def similarity(values: Tensor, measure: Measure) -> Tensor:
    r"""Similarities ``[B, B]`` of rows ``[B, size]``; see :class:`Similarity` for the measures."""
    if measure == "cosine":
        unit = F.normalize(values, dim=-1)
        return unit @ unit.T
    distance = torch.cdist(values, values, p=1.0)  # sum of absolute differences
    if measure == "distance":
        return 1 / (1 + distance / values.size(-1))
    total = values.sum(-1)
    # Of two numbers, minimum and maximum are half of their sum less or plus the difference.
    both = total[:, None] + total
    return torch.where(both > 0, (both - distance) / (both + distance).clamp(min=1e-12), torch.ones_like(both))
