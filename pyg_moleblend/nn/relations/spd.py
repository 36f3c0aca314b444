from __future__ import annotations

from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.fields import SPD_UNREACHABLE
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules


@register
class SPDBias(RelationBias):
    r"""One learned number a head for each shortest-path distance, with one of its own for unreachable pairs
    (arXiv 2106.05234, section 3.1.2).

    Args:
        heads: H.
    """

    pair_fields = ("spd",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        check_sizes(heads=heads)
        self.table = nn.Embedding(SPD_UNREACHABLE + 1, heads)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.table.weight, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.table(molecules.pairs["spd"].long()).permute(0, 3, 1, 2)
