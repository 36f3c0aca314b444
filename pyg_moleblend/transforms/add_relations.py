from __future__ import annotations

import torch
from torch_geometric.data import Batch, Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.fields import MAX_PATH_LENGTH, PAIR_FIELDS
from pyg_moleblend.transforms.pair_field import record_slices
from pyg_moleblend.utils.flat_relations import flat_relations


@functional_transform("add_moleblend_relations")
class AddRelations(BaseTransform):
    r"""Attaches the 2D relations of MoleBLEND (arXiv 2307.06235, section 3.1) to a molecule, or to each of a batch
    (functional name: :obj:`add_moleblend_relations`).

    The models derive the same relations on their own device from a batch that lacks them; attaching them once,
    as a ``pre_transform``, saves that work in every epoch. A batch is much faster than its molecules one at a time,
    and has the same numbers: ``AddRelations()(batch_from_smiles(smiles))``.

    Args:
        max_path_length: P, the bonds of a shortest path that are kept, counted from its start.

    Shapes:
        - **input:** ``edge_index`` ``[2, E]``, ``edge_attr`` ``[E, 3]`` in OGB's vocabulary
        - **output:** ``spd`` ``[N * N]`` uint8, ``bond_path`` ``[N * N, P]`` uint8, both row-major

    Raises:
        ValueError: If ``edge_index`` or ``edge_attr`` is missing or outside OGB's vocabulary.
    """

    def __init__(self, max_path_length: int = MAX_PATH_LENGTH) -> None:
        if max_path_length < 1:
            raise ValueError(f"`max_path_length` must be at least 1, got {max_path_length}")
        self.max_path_length = max_path_length

    def forward(self, data: Data) -> Data:
        if data.edge_index is None or data.edge_attr is None:
            raise ValueError("AddRelations needs `edge_index` and `edge_attr` (OGB's 3 bond features)")
        counts = data.ptr.diff() if isinstance(data, Batch) else torch.tensor([data.num_nodes])
        data.spd, data.bond_path = flat_relations(data.edge_index, data.edge_attr, counts, self.max_path_length)
        if isinstance(data, Batch):
            record_slices(data, counts, PAIR_FIELDS)
        return data

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}(max_path_length={self.max_path_length})"
