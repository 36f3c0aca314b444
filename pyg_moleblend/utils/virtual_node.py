from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data


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
