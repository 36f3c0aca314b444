r"""The in-memory dataset that all of ours are: compact in memory, OGB's integers when looked at."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.data.collate import collate

from pyg_moleblend.datasets.cut_batch import INTEGERS, Stored, cut_batch
from pyg_moleblend.datasets.io.reading import Failure, Reading

Transform = Callable[[Data], Data]
D = TypeVar("D", bound="MoleculeDataset")


class MoleculeDataset(InMemoryDataset):
    r"""Molecules in memory, and the rows of their source that are no molecule.

    Every ``Data`` holds ``x``, ``edge_index``, ``edge_attr``, ``pos`` (NaN without a 3D structure),
    ``smiles``, ``row`` (int64 ``[1]``: the row of the source, counted from 0), and ``y`` where there are
    targets (float32 ``[1, T]``, NaN where there is no label).
    """

    failures: list[Failure]
    r"""The rows that are not in the dataset, and why."""

    target_names: list[str]
    r"""Names of the columns of ``y``."""

    def get(self, idx: int) -> Data:
        r"""Molecule `idx` of the whole dataset, before the transform."""
        data = self.get_stored(idx)
        if "y" in data:
            data.y = data.y.float()
        return data

    def get_stored(self, idx: int) -> Data:
        r"""Molecule `idx` with the digits its targets are stored with, which may be more than float32 has."""
        # Not PyG's own, which keeps every molecule it has given: several times the memory after one epoch.
        if self.slices is None:  # PyG's `copy` of one molecule
            return copy.copy(self._data)
        stored = self._data.to_dict()
        return Data(**{key: cut(key, stored[key], ends, idx) for key, ends in self.slices.items()})

    def get_batch(self, positions: Sequence[int]) -> Batch:
        r"""The batch of the molecules at these positions of this dataset, before the transform."""
        chosen = self._chosen()[torch.as_tensor(positions, dtype=torch.long)]
        batch = cut_batch([(self._data, self.slices)], torch.zeros_like(chosen), chosen)
        if "y" in batch:
            batch.y = batch.y.float()
        return batch

    @property
    def smiles(self) -> list[str]:
        r"""SMILES of the molecules, in the dataset's order."""
        return [self._data.smiles[i] for i in self.indices()]

    @property
    def row(self) -> Tensor:
        r"""Row of the source of each molecule, int64 ``[M]``."""
        return self._data.row[self._chosen()]

    @property
    def y(self) -> Tensor:
        r"""Targets of the molecules, ``[M, T]`` float32."""
        return self._data.y[self._chosen()].float()

    def select_targets(self: D, names: Sequence[str]) -> D:
        r"""The same molecules with some of the targets, in this order.

        Raises:
            ValueError: If a name is not among :attr:`target_names`.
        """
        if unknown := [name for name in names if name not in self.target_names]:
            raise ValueError(f"{self!r} has no targets {unknown}, its targets are {self.target_names}")
        dataset = self.with_y(self._data.y[:, [self.target_names.index(name) for name in names]])
        dataset.target_names = list(names)
        return dataset

    def with_y(self: D, y: Tensor) -> D:
        r"""The same molecules with other targets, ``[M, T]`` for the M molecules of the whole dataset."""
        dataset, data = copy.copy(self), copy.copy(self._data)
        data.y = y
        dataset.data = data
        return dataset

    def _chosen(self) -> Tensor:
        indices = self.indices()
        if isinstance(indices, range) and indices == range(len(indices)):
            return torch.arange(len(indices))
        return torch.as_tensor(indices, dtype=torch.long)


def cut(key: str, value: Any, ends: Tensor, idx: int) -> Any:
    r"""Molecule `idx`'s part of a stored attribute, with OGB's integers as int64."""
    if not isinstance(value, Tensor):
        return value[idx]
    start, stop = ends[idx : idx + 2].tolist()
    value = value[..., start:stop] if "index" in key else value[start:stop]  # as PyG collates
    return value.long() if key in INTEGERS and not value.is_floating_point() else value


def store(reading: Reading, **columns: Tensor) -> Stored:
    r"""What an in-memory dataset holds, straight from flat graphs: no data object is made on the way.

    Args:
        reading: M molecules.
        columns: More attributes, one row a molecule, ``[M, ...]``.
    """
    fields, ends = reading.graphs.tensors()
    ones = torch.arange(len(reading.rows) + 1)
    data = Data(**fields, smiles=reading.smiles, row=torch.from_numpy(reading.rows), **columns)
    return compact(data), {**ends, **dict.fromkeys(("smiles", "row", *columns), ones)}


def store_list(data_list: list[Data]) -> Stored:
    r"""What an in-memory dataset holds, from at least one data object."""
    # Not InMemoryDataset.collate, which has no slices for a single molecule.
    data, slices, _ = collate(Data, data_list, increment=False, add_batch=False)
    return compact(data), slices


def compact(data: Data) -> Data:
    r"""The graph's integers in the smallest type that holds them; other values stay as they are."""
    data = copy.copy(data)
    for key in INTEGERS:
        value = data[key]
        if value.dtype == torch.long and value.numel() and int(value.min()) >= 0:
            high = int(value.max())
            fitting = [dtype for dtype in (torch.uint8, torch.int16, torch.int32) if high <= torch.iinfo(dtype).max]
            data[key] = value.to(fitting[0]) if fitting else value
    return data
