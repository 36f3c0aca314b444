r"""Batches cut straight from flat storage, without the data objects in between."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.utils.flat_batch import flat_batch

Stored = tuple[Data, dict[str, Tensor]]
r"""Many molecules: their fields, each concatenated, and where each molecule's part begins."""

INTEGERS = ("x", "edge_index", "edge_attr")
r"""Given as int64, but stored in the smallest type that holds them: a third of the memory."""

_TEXTS = ("smiles", "id")


def cut_batch(stores: Sequence[Stored], store_of: Tensor, local: Tensor) -> Batch:
    r"""What ``Batch.from_data_list`` gives for some molecules of flat storage, in the order in which they are named.

    OGB's integers are int64, whatever they are stored as; texts that are stored as UTF-8 bytes are strings.

    Args:
        stores: Each the concatenated fields of many molecules, and where each begins; all have the same fields.
        store_of: The store of each of the B molecules, int64 ``[B]``.
        local: Its place in that store, int64 ``[B]``.

    Raises:
        ValueError: If no molecule is named, or two stores that are used hold other fields.
    """
    used = store_of.unique().tolist()
    if not used:
        raise ValueError("expected at least one molecule, got none: PyG has no empty batch")
    names = list(stores[used[0]][1])
    for number in used:
        if set(stores[number][1]) != set(names):
            raise ValueError(f"stores hold other fields: {sorted(names)} and {sorted(stores[number][1])}")
    if len(used) == 1:
        return flat_batch(*_cut(stores[used[0]], names, local))
    # Store by store, and then back into the order that was asked for.
    parts = [_cut(stores[number], names, local[store_of == number]) for number in used]
    back = store_of.argsort(stable=True).argsort()
    fields, ends = {}, {}
    for name in names:
        value: Any = [part[0][name] for part in parts]
        if isinstance(value[0], Tensor):
            value = torch.cat(value, dim=_dim(name))
        else:
            value = [entry for part in value for entry in part]
        counts = torch.cat([part[1][name].diff() for part in parts])
        fields[name], ends[name] = _take(name, value, counts.cumsum(0) - counts, counts, back)
    return flat_batch(fields, ends)


def _cut(stored: Stored, names: Sequence[str], local: Tensor) -> tuple[dict[str, Any], dict[str, Tensor]]:
    data, slices = stored
    values, fields, ends = data.to_dict(), {}, {}
    for name in names:
        starts = slices[name][local].long()
        counts = slices[name][local + 1].long() - starts
        if name in _TEXTS and isinstance(values[name], Tensor):
            letters, pairs = values[name].numpy(), zip(starts.tolist(), counts.tolist(), strict=True)
            fields[name] = [letters[start : start + count].tobytes().decode() for start, count in pairs]
            ends[name] = torch.arange(len(local) + 1)
            continue
        value, ends[name] = _take(name, values[name], starts, counts)
        fields[name] = value.long() if name in INTEGERS and not value.is_floating_point() else value
    return fields, ends


def _take(name: str, value: Any, starts: Tensor, counts: Tensor, order: Tensor | None = None) -> tuple[Any, Tensor]:
    r"""The molecules' parts of a field, one after another, and where each begins and ends."""
    if order is not None:
        starts, counts = starts[order], counts[order]
    ends = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    if not isinstance(value, Tensor):
        return [value[start] for start in starts.tolist()], ends
    at = (starts - ends[:-1]).repeat_interleave(counts) + torch.arange(int(ends[-1]))
    return value.index_select(_dim(name), at), ends


def _dim(name: str) -> int:
    return -1 if "index" in name else 0  # as PyG collates
