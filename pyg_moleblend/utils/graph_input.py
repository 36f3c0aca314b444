r"""The forms in which PyG holds a graph, brought to one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.typing import Adj
from torch_geometric.utils import is_sparse, to_edge_index


def as_data(graph: Data | Mapping[str, Any]) -> Data:
    r"""A graph or batch that has ``edge_index`` where it has edges at all.

    Args:
        graph: A ``Data`` or ``Batch``, or either as a dictionary. After
            :class:`torch_geometric.transforms.ToSparseTensor` its edges are those of ``adj_t``.

    Raises:
        ValueError: If it is no graph, or has several types of nodes.
    """
    if isinstance(graph, HeteroData):
        raise ValueError(
            f"molecules have atoms of one kind, got HeteroData with the node types {graph.node_types}; give its "
            "`to_homogeneous()`"
        )
    data = Data.from_dict(dict(graph)) if isinstance(graph, Mapping) else graph
    if not isinstance(data, Data):
        raise ValueError(
            f"expected a Data or a Batch, got {type(data).__name__}; chem.from_smiles makes a Data of a SMILES, and "
            "Batch.from_data_list a Batch of several"
        )
    if data.edge_index is None and data.get("adj_t") is not None:
        data = copy.copy(data)
        data.edge_index, data.edge_attr = plain_edges(data.adj_t, data.edge_attr)
    return data


def plain_edges(edge_index: Adj, edge_attr: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    r"""Edges as ``edge_index`` and ``edge_attr``, whichever way they are given.

    Args:
        edge_index: ``[2, E]``; or the transposed adjacency matrix ``[N, N]``, as
            :class:`torch_geometric.nn.MessagePassing` takes it: a :class:`torch.sparse.Tensor` or a
            ``torch_sparse.SparseTensor``.
        edge_attr: Features of the edges, ``[E, ...]``, in the order of the matrix where there is one. A matrix of
            integers holds its own. One of floating point numbers holds weights, which no relation reads.

    Returns:
        ``edge_index`` ``[2, E]`` and ``edge_attr``.
    """
    if not is_sparse(edge_index):
        return edge_index, edge_attr
    ends, values = to_edge_index(edge_index)  # [2, E]: the row is where an edge ends
    if edge_attr is None and not values.is_floating_point():
        edge_attr = values
    return ends.flip(0), edge_attr


def molecule_of_atoms(data: Data) -> Tensor | None:
    r"""Molecule of each atom, ``[ΣN]``; ``None`` is one molecule.

    Where ``batch`` has been taken away it follows from ``ptr``.

    Raises:
        ValueError: If there are several molecules, and nothing says which atom is of which.
    """
    index: Tensor | None = getattr(data, "batch", None)
    if index is not None:
        return index
    if (ptr := data.get("ptr")) is not None:
        return torch.repeat_interleave(ptr.diff())
    if isinstance(data, Batch) and data.num_graphs > 1:
        raise ValueError(
            f"a batch of {data.num_graphs} molecules has neither `batch` nor `ptr`, so nothing says which atom is of "
            "which molecule; keep one of them"
        )
    return None


def check_edge_features(edge_index: Tensor, edge_attr: Tensor) -> None:
    r"""Raises :class:`ValueError` unless each edge has its features."""
    if len(edge_attr) != edge_index.size(1):
        raise ValueError(
            f"`edge_attr` has {len(edge_attr)} rows for {edge_index.size(1)} edges: a transform added edges without "
            "features. Self-loops mean nothing here: leave AddSelfLoops out, give it attr='edge_attr', or give GCNNorm "
            "add_self_loops=False"
        )


def is_connected(edge_index: Tensor, num_nodes: int) -> bool:
    r"""Whether every node can be reached from every other, edges being taken in both directions."""
    reached = torch.arange(num_nodes, device=edge_index.device) == 0
    ends = torch.cat([edge_index, edge_index.flip(0)], dim=1).long()
    count = 1
    while True:
        reached = reached.index_fill(0, ends[1][reached[ends[0]]], True)
        if (now := int(reached.sum())) == count:
            return now >= num_nodes
        count = now
