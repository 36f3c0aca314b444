r"""Batches cut straight from flat storage, without the data objects in between."""

from collections.abc import Sequence
from typing import Any

import numpy as np
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
    numbers, places = store_of.tolist(), local.tolist()
    if not numbers:
        raise ValueError("expected at least one molecule, got none: PyG has no empty batch")
    names = stores[numbers[0]][1].keys()
    pieces: dict[str, list[Any]] = {name: [] for name in names}
    counts: dict[str, list[int]] = {name: [] for name in names}
    views: dict[int, _View] = {}
    # Slices of numpy arrays, a molecule at a time: a microsecond each, however many stores a batch is spread over.
    for number, place in zip(numbers, places, strict=True):
        if number not in views:
            views[number] = _view(stores[number], pieces, counts)
        for pointers, members in views[number]:
            start, stop = int(pointers[place]), int(pointers[place + 1])
            for value, last, found, sizes in members:
                found.append(
                    value[start] if isinstance(value, list) else value[..., start:stop] if last else value[start:stop]
                )
                sizes.append(stop - start)
    kinds = stores[numbers[0]][0]
    fields, ends = {}, {}
    for name in names:
        fields[name] = _joined(name, pieces[name], kinds[name])
        if not isinstance(fields[name], Tensor):
            counts[name] = [1] * len(numbers)
        ends[name] = torch.tensor([0, *counts[name]]).cumsum(0)
    return flat_batch(fields, ends)


_Member = tuple[Any, bool, list[Any], list[int]]
_View = list[tuple[np.ndarray, list[_Member]]]


def _view(stored: Stored, pieces: dict[str, list[Any]], counts: dict[str, list[int]]) -> _View:
    r"""A store's fields as arrays, by the pointers that cut them, each with the lists that its parts go to."""
    data, slices = stored
    if slices.keys() != pieces.keys():
        raise ValueError(f"stores hold other fields: {sorted(pieces)} and {sorted(slices)}")
    view: dict[int, tuple[np.ndarray, list[_Member]]] = {}
    for name, pointers in slices.items():
        value = data[name]
        array = _bits(value).numpy() if isinstance(value, Tensor) else value
        _, members = view.setdefault(id(pointers), (pointers.numpy(), []))
        members.append((array, "index" in name, pieces[name], counts[name]))  # cut as PyG collates
    return list(view.values())


def _joined(name: str, parts: list[Any], kind: Any) -> Any:
    if not isinstance(kind, Tensor):
        return parts
    if name in _TEXTS:
        return [part.tobytes().decode() for part in parts]
    value = torch.from_numpy(np.concatenate(parts, axis=-1 if "index" in name else 0))
    if name in INTEGERS and not value.is_floating_point():
        return value.long()
    return value.view(torch.bfloat16) if kind.dtype == torch.bfloat16 else value


def _bits(value: Tensor) -> Tensor:
    return value.view(torch.int16) if value.dtype == torch.bfloat16 else value  # of which numpy knows nothing
