from __future__ import annotations

from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules

NUM_RELATIONS = 3
r"""Values of the pair field ``brics``: 0 neither, 1 same fragment, 2 fragments joined by a bond."""


@register
class FragmentBias(RelationBias):
    r"""One learned number a head for two atoms of the same BRICS fragment, of fragments that a bond joins, and of
    fragments further apart.

    BRICS cuts the bonds at which a chemist would take a molecule apart (Degen et al. 2008, doi 10.1002/cmdc.200800178).
    Looking at subgraphs beside atoms is the idea of ASBA (arXiv 2305.12618). The pair field ``brics`` is attached by
    :class:`~pyg_moleblend.transforms.AddFragments`.

    Args:
        heads: H.
    """

    pair_fields = ("brics",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        check_sizes(heads=heads)
        self.table = nn.Embedding(NUM_RELATIONS, heads)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.table.weight, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        # Whatever padding holds must not lie outside the table.
        relation = molecules.pairs["brics"].clamp(max=NUM_RELATIONS - 1)
        return self.table(relation.long()).permute(0, 3, 1, 2)
