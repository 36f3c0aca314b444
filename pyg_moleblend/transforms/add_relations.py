from __future__ import annotations

from torch_geometric.data import Batch, Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.fields import MAX_PATH_LENGTH, BondVocabulary, num_bond_classes
from pyg_moleblend.transforms.pair_field import record_slices
from pyg_moleblend.utils.dense import num_atoms
from pyg_moleblend.utils.flat_relations import flat_relations
from pyg_moleblend.utils.graph_input import (
    as_data,
    check_edge_features,
    has_virtual_node,
    molecule_of_atoms,
    raise_for_virtual_node,
)


@functional_transform("add_moleblend_relations")
class AddRelations(BaseTransform):
    r"""Attaches the 2D relations of MoleBLEND (arXiv 2307.06235, section 3.1) to a molecule or any other graph, or to
    each graph of a batch (functional name: :obj:`add_moleblend_relations`).

    The models derive the same relations on their own device from a batch that lacks them; attaching them once,
    as a ``pre_transform``, saves that work in every epoch. A batch is much faster than its molecules one at a time,
    and has the same numbers: ``AddRelations()(batch_from_smiles(smiles))``.

    Transforms that change atoms or edges belong before this one; after it, they make the relations stale, which the
    models notice.

    Args:
        max_path_length (int, optional): P, the bonds of a shortest path that are kept, counted from its start.
            (default: :obj:`5`)
        bond_vocabulary (str or int, optional): What tells bonds apart: :obj:`"ogb"` for OGB's three features in
            ``edge_attr`` ``[E, 3]``; the number of categories from 0 for ``[E]`` or ``[E, 1]``, as of PyG's
            :class:`~torch_geometric.datasets.ZINC`; :obj:`None` for graphs without categorical edge features, which
            have ``spd`` alone. (default: :obj:`"ogb"`)

    Shapes:
        - **input:** ``edge_index`` ``[2, E]`` or ``adj_t`` ``[N, N]``, and ``edge_attr`` as the vocabulary has it
        - **output:** ``spd`` ``[N * N]`` uint8 and ``bond_path`` ``[N * N, P]`` uint8, both row-major

    Raises:
        ValueError: If the edges or their features are missing, or outside the vocabulary.
    """

    def __init__(self, max_path_length: int = MAX_PATH_LENGTH, bond_vocabulary: BondVocabulary | None = "ogb") -> None:
        if max_path_length < 1:
            raise ValueError(f"`max_path_length` must be at least 1, got {max_path_length}")
        if bond_vocabulary is not None:
            num_bond_classes(bond_vocabulary)
        self.max_path_length = max_path_length
        self.bond_vocabulary = bond_vocabulary

    def forward(self, data: Data) -> Data:
        graph = as_data(data)
        edge_index, edge_attr = graph.edge_index, graph.edge_attr
        if edge_index is None:
            raise ValueError("AddRelations needs `edge_index` or `adj_t`, and the graph has neither")
        if edge_attr is None and self.bond_vocabulary is not None:
            raise ValueError(
                f"AddRelations(bond_vocabulary={self.bond_vocabulary!r}) needs `edge_attr`; for graphs without edge "
                "features say AddRelations(bond_vocabulary=None), and default_relations(config, bond_vocabulary=None)"
            )
        if self.bond_vocabulary is not None:
            check_edge_features(edge_index, edge_attr)
        index = molecule_of_atoms(graph)
        counts = num_atoms(index, graph.num_nodes, getattr(graph, "num_graphs", None), edge_index.device)
        if bool(has_virtual_node(graph, index, counts)):
            raise_for_virtual_node()
        relations = flat_relations(edge_index, edge_attr, counts, self.max_path_length, self.bond_vocabulary)
        for name, values in relations.items():
            data[name] = values
        if isinstance(data, Batch):
            record_slices(data, counts, tuple(relations))
        return data

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(max_path_length={self.max_path_length}, "
            f"bond_vocabulary={self.bond_vocabulary!r})"
        )
