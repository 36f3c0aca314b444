from __future__ import annotations

from torch import Tensor, nn

from pyg_moleblend.components import register
from pyg_moleblend.nn.relations.base import RelationBias
from pyg_moleblend.nn.reset import INIT_STD
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules


@register
class RingBias(RelationBias):
    r"""One learned number a head for each size of the smallest ring that two atoms have in common, and one for pairs
    that share none.

    The rings are those of the smallest set of smallest rings; a pair of an atom with itself has the size of the
    smallest ring that the atom is in. The pair field ``ring_size`` is attached by
    :class:`~pyg_moleblend.transforms.AddRings`.

    Args:
        heads: H.
        max_ring_size: Rings of that many atoms and more share a number. 12 is where macrocycles begin.
            (default: :obj:`12`)
    """

    pair_fields = ("ring_size",)

    def __init__(self, heads: int, max_ring_size: int = 12) -> None:
        super().__init__()
        check_sizes(heads=heads, max_ring_size=max_ring_size)
        if max_ring_size < 3:
            raise ValueError(f"`max_ring_size` must be at least 3, got {max_ring_size}")
        self.table = nn.Embedding(max_ring_size + 1, heads)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.table.weight, std=INIT_STD)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        size = molecules.pairs["ring_size"].clamp(max=self.table.num_embeddings - 1)
        return self.table(size.long()).permute(0, 3, 1, 2)
