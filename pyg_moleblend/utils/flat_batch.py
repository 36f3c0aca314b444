r"""PyG batches straight from flat storage, without the data objects in between, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.fields import FIELDS

Stored = tuple[Data, dict[str, Tensor]]
r"""Many molecules: their fields, each concatenated, and where each molecule's part begins. Fields that are declared as
int64 are stored in a smaller type where they fit one, a third of the memory; texts are a list, or UTF-8 bytes."""


def flat_batch(fields: Mapping[str, Any], ends: Mapping[str, Tensor]) -> Batch:
    r"""What ``Batch.from_data_list`` gives, from fields that are concatenated already.

    Args:
        fields: Tensors, one molecule after another: along the last dimension and counted within each molecule where the
            name holds ``index``, else along the first; or a list with an entry a molecule. ``x`` has a row an atom.
        ends: Where the molecules of each field begin and end, int64 ``[B + 1]``.

    Returns:
        The batch; ``batch[i]`` and ``batch.to_data_list()`` work as usual.

    Raises:
        ValueError: If there is no molecule, or a field's name is one that PyG shifts by another rule.
    """
    ptr = ends["x"]
    size = len(ptr) - 1
    if not size:
        raise ValueError("expected at least one molecule, got none: PyG has no empty batch")
    refuse_special_names(fields)
    batch = Batch(_base_cls=Data)
    none = torch.zeros(size, dtype=torch.long)
    # PyG's record of how to take a batch apart, as its own collate writes it.
    increments: dict[str, Tensor | None] = {}
    for name, value in fields.items():
        if not isinstance(value, Tensor):
            batch[name], increments[name] = list(value), None
        elif "index" in name:
            batch[name] = value + ptr[:-1].repeat_interleave(ends[name].diff())
            increments[name] = ptr[:-1]
        else:
            batch[name], increments[name] = value, none
    batch.batch = torch.repeat_interleave(ptr.diff())
    batch.ptr = ptr
    batch._num_graphs = size
    batch._slice_dict = {name: ends[name] for name in fields}
    batch._inc_dict = increments
    return batch


def split_batch(batch: Batch) -> list[Data]:
    r"""What ``batch.to_data_list()`` gives, but several times faster: each field is split at once.

    The molecules' tensors are views of the batch's, as PyG's are.
    """
    parts: dict[str, Sequence[Any]] = {}
    for name, ends in batch._slice_dict.items():
        value, increment = batch[name], batch._inc_dict[name]
        if not isinstance(value, Tensor):
            parts[name] = value
            continue
        counts, dim = ends.diff(), -1 if "index" in name else 0
        if increment is not None and bool(increment.any()):
            value = value - increment.repeat_interleave(counts).to(value.device)
        parts[name] = value.split(counts.tolist(), dim)
    return [Data(**dict(zip(parts, values, strict=True))) for values in zip(*parts.values(), strict=True)]


def refuse_special_names(names: Iterable[str]) -> None:
    r"""Raises :class:`ValueError` for fields that PyG would shift by another rule when it makes a batch."""
    if special := [name for name in names if "batch" in name or name in ("face", "ptr", "num_nodes")]:
        raise ValueError(f"fields {special} have names to which PyG gives a meaning of its own")


def cut_batch(stores: Sequence[Stored], store_of: Tensor, local: Tensor) -> Batch:
    r"""What ``Batch.from_data_list`` gives for some molecules of flat storage, in the order in which they are named.

    What is declared as int64 is int64, whatever it is stored as, and texts that are stored as UTF-8 bytes are strings.

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


def cut_molecule(stored: Stored, number: int) -> Data:
    r"""One molecule of flat storage; its tensors are views where they are stored as they are declared."""
    data, slices = stored
    fields = data.to_dict()
    return Data(**{name: _part(name, fields[name], ends, number) for name, ends in slices.items()})


def as_declared(name: str, value: Tensor) -> Tensor:
    r"""A stored field with the type that it is declared with, if that is int64."""
    whole = not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool)
    return value.long() if whole and name in FIELDS and FIELDS[name].dtype == "int64" else value


def as_stored(name: str, values: NDArray[Any]) -> NDArray[Any]:
    r"""A field of many rows as it is stored: in the smallest type, if it is declared as int64."""
    small = name in FIELDS and FIELDS[name].dtype == "int64" and FIELDS[name].level != "graph"
    return smallest(values) if small and values.dtype.kind in "iu" else values


def is_text(name: str) -> bool:
    r"""Whether a field is declared as text."""
    return name in FIELDS and FIELDS[name].dtype == "str"


def smallest(values: NDArray[Any]) -> NDArray[Any]:
    r"""Integers in the smallest type of uint8, int16, int32, int64 that holds them."""
    if not values.size:
        return values.astype(np.uint8)
    low, high = int(values.min()), int(values.max())
    types = (np.uint8, np.int16, np.int32, np.int64)
    return values.astype(next(kind for kind in types if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max))


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
    if is_text(name):
        return [part.tobytes().decode() for part in parts]
    value = torch.from_numpy(np.concatenate(parts, axis=-1 if "index" in name else 0))
    return as_declared(name, value.view(torch.bfloat16) if kind.dtype == torch.bfloat16 else value)


def _bits(value: Tensor) -> Tensor:
    return value.view(torch.int16) if value.dtype == torch.bfloat16 else value  # of which numpy knows nothing


def _part(name: str, value: Any, ends: Tensor, number: int) -> Any:
    if not isinstance(value, Tensor):
        return value[number]
    start, stop = ends[number : number + 2].tolist()
    value = value[..., start:stop] if "index" in name else value[start:stop]  # as PyG collates
    return bytes(value.numpy()).decode() if is_text(name) else as_declared(name, value)
