from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data
from tqdm import tqdm

from pyg_moleblend.chem import ConformerResult, Conformers, Hydrogens
from pyg_moleblend.chem.conformers import RUNGS
from pyg_moleblend.datasets import MoleculeDataset
from pyg_moleblend.datasets.base import has_positions
from pyg_moleblend.datasets.io.reading import CONFORMER_CHUNK_SIZE, TOO_LONG
from pyg_moleblend.datasets.recipe import Recipe, recipe_of
from pyg_moleblend.runtime.worker_pool import Started, in_chunks, map_chunks
from pyg_moleblend.transforms import AddConformer

_GRAPH = ("x", "edge_index", "edge_attr")

Item = tuple[str, dict[str, NDArray[np.int64]]]
r"""SMILES and graph of a molecule, as they are sent to a worker: arrays, not tensors, which would share memory."""


class AddedConformers(NamedTuple):
    r"""A dataset whose molecules have coordinates wherever RDKit finds some.

    Attributes:
        molecules: The dataset; with several conformers a molecule, they are ``conformers`` ``[N, K, 3]``.
        num_added: Molecules that were given a conformer.
        failures: Why there is none, by row of the dataset's source.
        remarks: Why the conformers of a molecule were found otherwise than by what was asked for, likewise.
    """

    molecules: MoleculeDataset
    num_added: int
    failures: dict[int, str]
    remarks: dict[int, str]


@dataclass(frozen=True)
class GenerateChunk:
    r"""Finds conformers of the molecules of a chunk, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it.

    Args:
        transform: How they are found.
    """

    transform: AddConformer

    def __call__(self, chunk: Sequence[Item], kills: Sequence[int], started: Started) -> list[ConformerResult]:
        found = []
        for i, (smiles, graph) in enumerate(chunk):
            started(i)
            if kills[i] < len(RUNGS):
                data = Data(smiles=smiles, **{key: torch.from_numpy(value) for key, value in graph.items()})
                found.append(self.transform.generate(data, kills[i]))
            else:
                shape = (self.transform.conformers.count, len(graph["x"]), 3)
                found.append(ConformerResult(np.full(shape, np.nan, dtype=np.float32), "none", TOO_LONG))
        started(-1)
        return found


def add_missing_conformers(
    molecules: MoleculeDataset,
    seed: int = 0,
    hydrogens: Hydrogens | str | None = None,
    progress: bool = False,
    conformers: Conformers | int = 1,
    num_workers: int = 0,
) -> AddedConformers:
    r"""Gives conformers to every molecule of a dataset that has no coordinates; the others keep theirs.

    Args:
        molecules: The dataset, or a selection of one; it is not changed, and what was not selected gets none.
        seed: Seed of the conformers.
        hydrogens: The policy that the dataset was made with; it is asked by default.
        progress: Whether to show a progress bar.
        conformers: How many a molecule, or all their settings (then ``seed`` is not looked at). A molecule that keeps
            its coordinates has them as its only conformer.
        num_workers: Processes that find conformers, and that are killed where a molecule takes longer than the
            deadline; 0 is this one, without a hard deadline.
    """
    settings = Conformers(seed, conformers) if isinstance(conformers, int) else conformers
    known = recipe_of(molecules) or Recipe()
    recipe = Recipe(known.hydrogens if hydrogens is None else Hydrogens(hydrogens), settings)
    function = GenerateChunk(
        AddConformer(
            settings.seed, recipe.hydrogens, "nan", settings.deadline, count=settings.count, optimize=settings.optimize
        )
    )
    completed, store = copy.copy(molecules), copy.copy(molecules._data)
    several = torch.full((len(store.pos), settings.count, 3), torch.nan)
    several[:, 0] = store.pos
    # PyG's `copy` of one molecule has no slices.
    ends = torch.tensor([0, len(store.pos)]) if molecules.slices is None else molecules.slices["pos"]
    missing = _missing(molecules, store.pos, ends)
    causes: dict[int, str] = {}
    chunks = (_items(molecules, numbers) for numbers in in_chunks(missing, CONFORMER_CHUNK_SIZE))
    found = map_chunks(function, chunks, num_workers, settings.deadline)
    with tqdm(total=len(missing), desc="conformers", disable=not progress, unit="mol") as bar:
        numbers = iter(missing)
        for results in found:
            for result in results:
                number = next(numbers)
                several[ends[number] : ends[number + 1]] = torch.from_numpy(result.positions).transpose(0, 1)
                if result.cause:
                    causes[number] = result.cause
            bar.update(len(results))

    store.pos = several[:, 0].contiguous()
    completed.data = store
    completed.recipe = recipe
    if settings.count > 1:
        store.conformers = several
        completed.slices = None if molecules.slices is None else {**molecules.slices, "conformers": ends}
    rows = {number: int(store.row[number]) for number in causes}
    failed = {number for number in causes if bool(store.pos[ends[number]].isnan().any())}
    failures = {rows[number]: cause for number, cause in causes.items() if number in failed}
    remarks = {rows[number]: cause for number, cause in causes.items() if number not in failed}
    return AddedConformers(completed, len(missing) - len(failures), failures, remarks)


def _missing(molecules: MoleculeDataset, pos: Tensor, ends: Tensor) -> list[int]:
    known = has_positions(pos, ends).tolist()
    return [number for number in dict.fromkeys(molecules.indices()) if not known[number]]  # each once


def _items(molecules: MoleculeDataset, numbers: Sequence[int]) -> list[Item]:
    chosen = [molecules.get(number) for number in numbers]
    return [(data.smiles, {key: data[key].numpy() for key in _GRAPH}) for data in chosen]
