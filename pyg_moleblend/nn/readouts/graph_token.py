from __future__ import annotations

from typing import Any

from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.nn.readouts.base import Readout
from pyg_moleblend.utils import DenseMolecules


@register
class GraphTokenReadout(Readout):
    r"""The final state of the graph token, as published (arXiv 2307.06235, section 4.2).

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels

    def forward(self, output: Any, molecules: DenseMolecules) -> Tensor:
        return output.graph
