r"""The molecules of a folder of shards, read from the disk as they are looked at."""

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data, Dataset

from pyg_moleblend.datasets.base import Transform, has_structure, target_columns
from pyg_moleblend.datasets.io.failures import Failure, load_failures, read_report
from pyg_moleblend.datasets.recipe import RECIPE_KEY, Recipe
from pyg_moleblend.datasets.shards.folder import (
    CONFORMER_ERRORS_FILE,
    FAILURES_FILE,
    MANIFEST_FILE,
    load_manifest,
    shard_path,
)
from pyg_moleblend.datasets.shards.shard import read_shard, texts_of
from pyg_moleblend.runtime.files import is_whole
from pyg_moleblend.runtime.open_file import content_named
from pyg_moleblend.utils.flat_batch import Stored, cut_batch, cut_molecule

S = TypeVar("S", bound="MoleculeShards")


class MoleculeShards(Dataset):
    r"""Molecules that stay on the disk: what :func:`~pyg_moleblend.datasets.shards.build.build_shards` made.

    The files are memory-mapped when a molecule of theirs is first looked at, after a comparison with the manifest's
    checksum. All processes of a machine share one copy in the page cache; sent to a worker, the dataset is little more
    than its path. A molecule has what one of :class:`~pyg_moleblend.datasets.MoleculeDataset` has, and ``id`` where
    there are identifiers.

    Args:
        folder: The folder.
        transform: Applied to every molecule when it is looked at. (default: :obj:`None`)
        verify: Whether to compare checksums; sizes are compared in any case. (default: :obj:`True`)

    Raises:
        ValueError: If the folder is not complete, or a file is damaged (it is named).
    """

    def __init__(self, folder: str | Path, transform: Transform | None = None, verify: bool = True) -> None:
        super().__init__(None, transform)
        self.folder = Path(folder)
        self.verify = verify
        self.manifest = load_manifest(folder)
        names = self.manifest.facts.get("target_names", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(self._damaged(self.folder / MANIFEST_FILE))
        self.target_names: list[str] = list(names)
        self._targets: list[int] | None = None
        self._columns: dict[str, Tensor] = {}  # of the molecules of the whole dataset
        self._stores: dict[int, Stored] = {}
        # Where each shard's molecules begin among all of them, [shards + 1].
        self._starts = np.cumsum([0, *(shard.molecules for shard in self.manifest.shards)])
        for number, shard in enumerate(self.manifest.shards):
            path = shard_path(folder, number)
            if not path.is_file() or path.stat().st_size != shard.bytes:
                raise ValueError(self._damaged(path))

    @property
    def facts(self) -> dict[str, Any]:
        r"""What was found worth remembering when the shards were made."""
        return dict(self.manifest.facts)

    @property
    def recipe(self) -> Recipe | None:
        r"""How the molecules became graphs, where the shards say it."""
        key = self.manifest.key
        return Recipe.from_metadata({RECIPE_KEY: key}) if {"hydrogens", "conformers"} <= key.keys() else None

    def len(self) -> int:
        r"""Molecules of the whole dataset."""
        return int(self._starts[-1])

    def get(self, idx: int) -> Data:
        r"""Molecule `idx` of the whole dataset, before the transform."""
        number = int(np.searchsorted(self._starts, idx, side="right")) - 1
        data = cut_molecule(self.store(number), int(idx) - int(self._starts[number]))
        if "y" in data:
            data.y = self._chosen(data.y)
        for name, values in self._columns.items():
            data[name] = values[idx : idx + 1]
        return data

    def get_batch(self, positions: Sequence[int]) -> Batch:
        r"""The batch of the molecules at these positions of this dataset, before the transform."""
        numbers, local = self.locate(torch.as_tensor(positions, dtype=torch.long))
        used, number_of = numbers.unique(return_inverse=True)
        batch = cut_batch([self.store(number) for number in used.tolist()], number_of, local)
        if "y" in batch:
            batch.y = self._chosen(batch.y)
        places = torch.from_numpy(self._starts)[numbers] + local
        for name, values in self._columns.items():
            batch[name] = values[places]
            batch._slice_dict[name], batch._inc_dict[name] = batch._slice_dict["row"], batch._inc_dict["row"]
        return batch

    @property
    def num_stores(self) -> int:
        r"""Number of shards."""
        return len(self.manifest.shards)

    def store(self, number: int) -> Stored:
        r"""Shard `number` as it is stored, memory-mapped; see :func:`~pyg_moleblend.datasets.shards.shard.read_shard`.

        Raises:
            ValueError: If the file is damaged.
        """
        if number not in self._stores:
            path = shard_path(self.folder, number)
            if self.verify and not is_whole(path, self.manifest.shards[number].digest):
                raise ValueError(self._damaged(path))
            self._stores[number] = read_shard(path)
        return self._stores[number]

    def locate(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        r"""Where molecules lie.

        Args:
            positions: Molecules of this dataset (or of this selection of one), int64 ``[B]``.

        Returns:
            Their shards and their places in them, int64 ``[B]`` both.
        """
        indices = self.indices()
        # A range of millions is not written out for every batch.
        plain = isinstance(indices, range) and bool(((positions >= 0) & (positions < len(indices))).all())
        chosen = indices.start + indices.step * positions if plain else self._positions()[positions]
        starts = torch.from_numpy(self._starts)
        numbers = torch.searchsorted(starts, chosen, right=True) - 1
        return numbers, chosen - starts[numbers]

    @property
    def num_atoms(self) -> Tensor:
        r"""Atoms of each molecule, int64 ``[M]``."""
        return self._collect(lambda stored: stored[1]["x"].diff().long())

    @property
    def has_pos(self) -> Tensor:
        r"""Whether each molecule has a 3D structure, bool ``[M]``."""
        return self._collect(has_structure)

    @property
    def row(self) -> Tensor:
        r"""Row of the source of each molecule, int64 ``[M]``."""
        return self._collect(lambda stored: stored[0].row)

    @property
    def y(self) -> Tensor:
        r"""Targets of the molecules, ``[M, T]``."""
        return self._collect(lambda stored: self._chosen(stored[0].y))

    @property
    def smiles(self) -> list[str]:
        r"""SMILES of the molecules, in the dataset's order."""
        return self._texts("smiles")

    @property
    def ids(self) -> list[str]:
        r"""Identifiers of the molecules; their rows where the table has none."""
        if "id" not in self.store(0)[0]:
            return [str(row) for row in self.row.tolist()]
        return self._texts("id")

    @cached_property
    def failures(self) -> list[Failure]:
        r"""The rows that are not in the dataset, and why."""
        failures = load_failures(self._report(FAILURES_FILE))
        if len(failures) != self.manifest.failures:
            raise ValueError(self._damaged(self.folder / FAILURES_FILE))
        return failures

    @cached_property
    def conformer_errors(self) -> dict[int, str]:
        r"""Why molecules have no conformer, by row of the source."""
        path = self._report(CONFORMER_ERRORS_FILE)
        with content_named(path):
            return {int(line["row"]): line["cause"] for line in read_report(path)}

    def select_targets(self: S, names: Sequence[str]) -> S:
        r"""The same molecules with some of the targets, in this order.

        Raises:
            ValueError: If a name is not among :attr:`target_names`.
        """
        dataset, chosen = copy.copy(self), target_columns(self, names)
        dataset._targets = chosen if self._targets is None else [self._targets[i] for i in chosen]
        dataset.target_names = list(names)
        return dataset

    def with_column(self: S, name: str, values: Tensor) -> S:
        r"""The same molecules, each with one more attribute, held in memory: its row of the values ``[M, ...]``."""
        dataset = copy.copy(self)
        whole = values.new_zeros(self.len(), *values.shape[1:])
        whole[self._positions()] = values
        dataset._columns = {**self._columns, name: whole}
        return dataset

    def index_select(self: S, idx: Any) -> S:
        r"""A selection of the molecules, as PyG's own; its places are held in an array, not in a list."""
        dataset = super().index_select(idx)
        if not isinstance(dataset._indices, range):
            dataset._indices = np.asarray(dataset._indices, dtype=np.int64)
        return dataset

    def _positions(self) -> Tensor:
        chosen = self.indices()
        if isinstance(chosen, range):  # NumPy would walk through it, element by element
            return chosen.start + chosen.step * torch.arange(len(chosen))
        return torch.as_tensor(np.asarray(chosen, dtype=np.int64))

    def _chosen(self, y: Tensor) -> Tensor:
        return y if self._targets is None else y[:, self._targets]

    def _collect(self, take: Callable[[Stored], Tensor]) -> Tensor:
        filled = [number for number, shard in enumerate(self.manifest.shards) if shard.molecules] or [0]
        values = torch.cat([take(self.store(number)) for number in filled])
        return values if self._indices is None else values[self._positions()]

    def _texts(self, key: str) -> list[str]:
        texts = [text for number in range(self.num_stores) for text in texts_of(self.store(number), key)]
        return texts if self._indices is None else [texts[i] for i in self.indices()]

    def _report(self, name: str) -> Path:
        if not (path := self.folder / name).is_file():
            raise ValueError(self._damaged(path))
        return path

    def _damaged(self, path: Path) -> str:
        return f"{path} is damaged or missing; run the command that made {self.folder} again"

    def __getstate__(self) -> dict[str, Any]:
        # What is memory-mapped stays here: the other process maps it for itself.
        return {**self.__dict__, "_stores": {}}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.folder.name!r}, {len(self)})"
