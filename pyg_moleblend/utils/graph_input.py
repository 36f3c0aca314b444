r"""Whether graphs are what a model can take: molecules, their edges, stale pair fields, and nodes that are no atoms."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.typing import Adj
from torch_geometric.utils import is_sparse, to_edge_index

from pyg_moleblend.utils.layout import raise_for_conflicts


def as_data(graph: Data | Mapping[str, Any]) -> Data:
    r"""A graph or batch that has ``edge_index`` where it has edges at all.

    Args:
        graph: A ``Data`` or ``Batch``, or either as a dictionary. After
            :class:`torch_geometric.transforms.ToSparseTensor` its edges are those of ``adj_t``.

    Raises:
        ValueError: If it is no graph, has several types of nodes, or edges of another shape.
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
    ends = data.edge_index
    if isinstance(ends, Tensor) and not is_sparse(ends) and (ends.dim() != 2 or len(ends) != 2):
        raise ValueError(f"`edge_index` must be [2, E], got shape {list(ends.shape)}; transpose it if it is [E, 2]")
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
    rows = len(edge_attr) if edge_attr.dim() else 0
    if rows != edge_index.size(1):
        raise ValueError(
            f"`edge_attr` has {rows} rows for {edge_index.size(1)} edges: a transform added edges without "
            "features. Self-loops mean nothing here: leave AddSelfLoops out, give it attr='edge_attr', or give GCNNorm "
            "add_self_loops=False"
        )


def is_two_way(edge_index: Tensor, num_nodes: int, classes: Tensor | None = None) -> Tensor:
    r"""Whether each edge is there in both directions, a bool on its device that nobody has waited for.

    Args:
        edge_index: ``[2, E]``.
        num_nodes: ΣN.
        classes: Class of each edge, uint8 ``[E]``: then the other direction must have the same one.
    """
    return _has_way_back(edge_index, num_nodes, classes).all()


def raise_for_one_way(edge_index: Tensor, num_nodes: int, edge_attr: Tensor | None, classes: Tensor | None) -> None:
    r"""Raises :class:`ValueError` for edges that are there in one direction only, or otherwise in the other."""
    if classes is None or edge_attr is None or not _has_way_back(edge_index, num_nodes, None).all():
        raise ValueError(
            "bonds must be in `edge_index` in both directions, and some are in one only; add the others by "
            "transforms.ToUndirected()"
        )
    with_class = torch.cat([edge_index, classes.to(edge_index)[None]])
    if with_class.unique(dim=1).size(1) > edge_index.unique(dim=1).size(1):
        raise_for_conflicts()
    edge = int((~_has_way_back(edge_index, num_nodes, classes)).nonzero()[0])
    source, target = edge_index[:, edge].tolist()
    back = int(((edge_index[0] == target) & (edge_index[1] == source)).nonzero()[0])
    raise ValueError(
        f"a bond must have the same features in both directions: that of atoms {source} and {target} of the batch has "
        f"{edge_attr[edge].tolist()} and {edge_attr[back].tolist()} back; give both rows of `edge_attr` the same"
    )


def _has_way_back(edge_index: Tensor, num_nodes: int, classes: Tensor | None) -> Tensor:
    r"""Whether each edge is there in the other direction too, with the same class where there are classes, ``[E]``."""
    source, target = edge_index.long()
    there, wanted = source * num_nodes + target, target * num_nodes + source
    if classes is not None:
        there, wanted = there * 256 + classes, wanted * 256 + classes
    there = there.sort().values
    found = torch.searchsorted(there, wanted).clamp(max=max(len(there) - 1, 0))
    return there[found] == wanted


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


def pairs_fit_bonds(batch: Data, classes: Tensor | None, index: Tensor | None, counts: Tensor) -> Tensor | None:
    r"""Whether the pair fields of a batch belong to its bonds, a bool on its device that nobody has waited for.

    A shortest path of one hop is a bond. So where the pairs with ``spd`` 1 are those that are bonded, and the paths of
    one hop hold the bonds' classes, the fields were computed for this very graph, its atoms in this order: all their
    other entries follow. Paths that were cut after their first hop (P = 1) are only looked at where there is a bond.

    Args:
        batch: The batch.
        classes: Class of each bond, uint8 ``[ΣE]``; ``None`` where the bonds have none.
        index: Molecule of each atom, ``[ΣN]``; ``None`` is one molecule.
        counts: Atoms of each molecule, ``[B]``. That a field has a row for each pair is for the caller to see to.
    """
    if batch.edge_index is None or ("spd" not in batch and "bond_path" not in batch):
        return None
    source, target = batch.edge_index.long()
    molecule = torch.zeros_like(source) if index is None else index[source]
    squares = counts * counts
    local = torch.stack([source, target]) - (counts.cumsum(0) - counts)[molecule]  # [2, ΣE]
    size = counts[molecule]
    fits = ((local >= 0) & (local < size)).all()
    total = len(batch.spd if "spd" in batch else batch.bond_path)
    place = ((squares.cumsum(0) - squares)[molecule] + local[0] * size + local[1]).clamp(0, max(total - 1, 0))
    known = torch.ones_like(source, dtype=torch.uint8) if classes is None else classes
    bonds = known.new_zeros(total).scatter(0, place, known.masked_fill(source == target, 0))  # [ΣN²]
    if "spd" in batch:
        fits = fits & ((batch.spd == 1) == (bonds > 0)).all()
    if "bond_path" in batch and classes is not None and batch.bond_path.dim() == 2 and batch.bond_path.size(1):
        if len(batch.bond_path) != total:
            return torch.zeros_like(fits)
        first = batch.bond_path[:, 0]
        ends = batch.bond_path[:, 1] == 0 if batch.bond_path.size(1) > 1 else bonds > 0
        fits = fits & (first.masked_fill(~ends, 0) == bonds).all()
    return fits


def has_virtual_node(data: Data, index: Tensor | None, counts: Tensor) -> Tensor:
    r"""Whether any molecule has the node that :class:`torch_geometric.transforms.VirtualNode` adds, a bool on the
    device that nobody has waited for.

    That node is a molecule's last, has features of zero, and is joined with all others by edges whose two ``edge_type``
    no other edge has.

    Args:
        data: The molecule or batch.
        index: Molecule of each atom, ``[ΣN]``; ``None`` is one molecule.
        counts: Atoms of each molecule, ``[B]``.
    """
    kind = data.get("edge_type")
    if not isinstance(kind, Tensor) or data.edge_index is None or kind.shape != data.edge_index[0].shape:
        return counts.new_zeros((), dtype=torch.bool)
    source, target = data.edge_index.long()
    molecule = torch.zeros_like(source) if index is None else index[source]
    zeros = torch.zeros_like(counts)
    last = counts.cumsum(0) - 1
    largest = zeros.scatter_reduce(0, molecule, kind.long(), "amax")
    into, out = kind == largest[molecule] - 1, kind == largest[molecule]
    astray = (into & (target != last[molecule])) | (out & (source != last[molecule]))
    found = (largest > 1) & (zeros.scatter_add(0, molecule, astray.long()) == 0)
    for special in (into, out):
        found = found & (zeros.scatter_add(0, molecule, special.long()) == counts - 1)
    if data.x is not None and len(data.x):
        found = found & (data.x.reshape(len(data.x), -1)[last.clamp(min=0)] == 0).all(1)
    return found.any()


def raise_for_virtual_node() -> None:
    r"""Raises :class:`ValueError` for a virtual node."""
    raise ValueError(
        "a molecule has a virtual node (transforms.VirtualNode), which would count as an atom two bonds from which all "
        "others are; leave that transform out: the encoder's graph token takes its part"
    )
