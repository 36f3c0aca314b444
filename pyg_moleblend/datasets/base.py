r"""The in-memory dataset that all of ours are: compact in memory, OGB's integers when looked at."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.data.collate import collate

from pyg_moleblend.datasets.io.failures import Failure
from pyg_moleblend.datasets.io.reading_result import Reading
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.utils.flat_batch import Stored, as_stored, cut_batch, cut_molecule

Transform = Callable[[Data], Data]
D = TypeVar("D", bound="MoleculeDataset")


class MoleculeDataset(InMemoryDataset):
    r"""Molecules in memory, and the rows of their source that are no molecule.

    Every ``Data`` holds ``x``, ``edge_index``, ``edge_attr``, ``pos`` (NaN without a 3D structure),
    ``smiles``, ``row`` (int64 ``[1]``: the row of the source, counted from 0), and ``y`` where there are
    targets (``[1, T]``, NaN where there is no label; float64 where float32 would round what the source says). Where
    some of these may be bounds, ``label_side`` says on which side of them the values lie.
    """

    failures: list[Failure]
    r"""The rows that are not in the dataset, and why."""

    target_names: list[str]
    r"""Names of the columns of ``y``."""

    recipe: Recipe | None = None
    r"""How the molecules became graphs, where the dataset lets one choose."""

    def get(self, idx: int) -> Data:
        r"""Molecule `idx` of the whole dataset, before the transform."""
        # Not PyG's own, which keeps every molecule it has given: several times the memory after one epoch.
        if self.slices is None:  # PyG's `copy` of one molecule
            return copy.copy(self._data)
        return cut_molecule((self._data, self.slices), idx)

    def get_batch(self, positions: Sequence[int]) -> Batch:
        r"""The batch of the molecules at these positions of this dataset, before the transform."""
        chosen = self._chosen()[torch.as_tensor(positions, dtype=torch.long)]
        return cut_batch([(self._data, self.slices)], torch.zeros_like(chosen), chosen)

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
        r"""Targets of the molecules, ``[M, T]``."""
        return self._data.y[self._chosen()]

    @property
    def label_side(self) -> Tensor | None:
        r"""On which side of each target the value lies, ``[M, T]``; ``None`` where targets are no bounds."""
        return self._data.label_side[self._chosen()] if "label_side" in self._data else None

    def select_targets(self: D, names: Sequence[str]) -> D:
        r"""The same molecules with some of the targets, in this order.

        Raises:
            ValueError: If a name is not among :attr:`target_names`.
        """
        columns = target_columns(self, names)
        dataset = self.with_y(self._data.y[:, columns])
        if "label_side" in dataset._data:
            dataset._data.label_side = self._data.label_side[:, columns]
        dataset.target_names = list(names)
        return dataset

    def with_y(self: D, y: Tensor) -> D:
        r"""The same molecules with other targets, ``[M, T]`` for the M molecules of the whole dataset."""
        dataset, data = copy.copy(self), copy.copy(self._data)
        data.y = y
        dataset.data = data
        return dataset

    def with_column(self: D, name: str, values: Tensor) -> D:
        r"""The same molecules, each with one more attribute: its row of the values ``[M, ...]``."""
        dataset, data, chosen = copy.copy(self), copy.copy(self._data), self._chosen()
        whole = values.new_zeros(len(data.row), *values.shape[1:])
        whole[chosen] = values
        data[name] = whole
        dataset.data = data
        if self.slices is not None:
            dataset.slices = {**self.slices, name: self.slices["row"]}
        return dataset

    def _chosen(self) -> Tensor:
        indices = self.indices()
        if isinstance(indices, range) and indices == range(len(indices)):
            return torch.arange(len(indices))
        return torch.as_tensor(indices, dtype=torch.long)


def target_columns(dataset: Any, names: Sequence[str]) -> list[int]:
    r"""Columns of ``y`` of some of a dataset's targets.

    Raises:
        ValueError: If a name is not among its ``target_names``.
    """
    known: list[str] = dataset.target_names
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{dataset!r} has no targets {unknown}, its targets are {known}")
    return [known.index(name) for name in names]


def has_structure(stored: Stored) -> Tensor:
    r"""Whether each molecule has a 3D structure that is to be used, bool ``[M]``; see ``pos`` and ``has_pos`` in
    :data:`~pyg_moleblend.fields.FIELDS`."""
    data, slices = stored
    found = has_positions(data.pos, slices["pos"])
    return found & data.has_pos.view(-1).bool() if "has_pos" in slices else found


def has_positions(pos: Tensor, ends: Tensor) -> Tensor:
    r"""Whether all atoms of each molecule have coordinates, bool ``[M]``.

    Args:
        pos: ``[ΣN, 3]`` in Å.
        ends: Where each molecule begins and ends, ``[M + 1]``.
    """
    if pos.stride(0) == 0:  # NaN for all of a shard
        return torch.zeros(len(ends) - 1, dtype=torch.bool)
    if bool(pos.isinf().any()):
        raise ValueError("`pos` holds infinite coordinates, which is damage; an atom without coordinates has NaN")
    missing = torch.cat([torch.zeros(1, dtype=torch.long), pos.isnan().any(-1).cumsum(0)])
    return missing[ends.long()].diff() == 0


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
    r"""The molecules with every field as it is stored, see :data:`~pyg_moleblend.utils.flat_batch.Stored`."""
    data = copy.copy(data)
    for name, value in data.to_dict().items():
        if isinstance(value, Tensor) and value.dtype == torch.long:
            data[name] = torch.from_numpy(as_stored(name, value.numpy()))
    return data
