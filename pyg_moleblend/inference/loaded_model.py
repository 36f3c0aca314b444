r"""A saved model at work on molecules: numbers a molecule, and a row a molecule."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets import MoleculeDataset, MoleculeTable
from pyg_moleblend.datasets.base import has_structure, store
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.datasets.io.reading import ReadChunk, Reading
from pyg_moleblend.datasets.recipe import Recipe, check_recipe
from pyg_moleblend.inference.conformer_mean import conformer_mean
from pyg_moleblend.inference.run_batches import pick_device, run_batches
from pyg_moleblend.utils import Modality

OK = "ok"
OWN_COLUMNS = ("id", "smiles", "status")
SIMILARITY = "similarity"
r"""A column of quick models' predictions."""

NOT_FINITE = "the model gives no finite number for it"

MAX_ATOMS = 1000
r"""Most atoms of a molecule, by default: time and memory grow with the square, and large ones are seldom meant."""

_log = logging.getLogger(__name__)


class LoadedModel:
    r"""What gives numbers for molecules, loaded once and used on as many of them as there are.

    Args:
        compute: Gives ``[B, F]`` for a batch of molecules with one ``pos``.
        columns: Names of the numbers that a molecule has in the end.
        dtype: Of the numbers in results, whether any molecule of a portion has some or none.
        modules: What computes, to be moved to the device.
        recipe: How molecules became graphs in training.
        modality: Which inputs are used.
        conformers: What molecules without coordinates get, if 3D is among the inputs.
        spread: Whether standard deviations over several conformers come behind the means, F more numbers.
        batch_size: Molecules of a batch.
        device: ``"auto"`` is a GPU where there is one.
        finish: Makes the columns ``[M, C]`` of the molecules and what was computed of them, ``[M, F]`` or ``[M, 2 F]``;
            that is what the columns are, by default.

    Raises:
        ValueError: If several conformers are asked for and no 3D, or there is no such device.
    """

    def __init__(
        self,
        compute: Callable[[Any], Tensor],
        columns: Sequence[str],
        dtype: torch.dtype,
        modules: Iterable[nn.Module],
        recipe: Recipe | None,
        modality: Modality,
        conformers: Conformers,
        spread: bool,
        batch_size: int,
        device: str,
        finish: Callable[[Any, Tensor], Tensor] | None = None,
    ) -> None:
        if conformers.count > 1 and "3d" not in modality:
            raise ValueError(
                f"{conformers.count} conformers are of no use to modality={modality!r}; leave them out, or pass '2d+3d'"
            )
        self.columns = list(columns)
        self.dtype = dtype
        self.recipe = recipe
        self.modality = modality
        self.conformers = conformers if "3d" in modality else None
        self.batch_size = batch_size
        self.device = pick_device(device)
        self._compute = conformer_mean(compute, spread)
        self._finish = finish
        for module in modules:
            module.to(self.device).eval()

    def values_of(self, molecules: Sequence[Data] | Any) -> Tensor:
        r"""The columns' values, ``[M, C]``.

        Args:
            molecules: A PyG dataset, or a list of ``Data``; at least one. They are taken as they are.
        """
        computed = run_batches(self._compute, molecules, self.batch_size, self.device)
        return computed if self._finish is None else self._finish(molecules, computed)

    def of_table(self, table: MoleculeTable, num_workers: int = 0) -> pd.DataFrame:
        r"""The results for a table, in its rows' order.

        Args:
            table: Molecules with the training's hydrogens.
            num_workers: Processes that find conformers; 0 is this one, without a hard deadline.

        Raises:
            ValueError: If they have other hydrogens.
        """
        check_recipe(self.recipe, table)
        if num_workers < 0:
            raise ValueError(f"`num_workers` must not be negative, got {num_workers}")
        molecules: MoleculeDataset = table
        flat: dict[int, str] = {}
        if self.conformers is not None and len(table):
            molecules, added, flat, _ = add_missing_conformers(
                table, conformers=self.conformers, num_workers=num_workers
            )
            say_added(added, len(table))
        rows = table.output_rows.tolist()
        return self._frame(molecules, rows, [table.ids[row] for row in rows], flat)

    def reader(self, max_atoms: int | None) -> ReadChunk:
        r"""What reads molecules for :meth:`of_reading`: with the training's hydrogens, and conformers where needed."""
        return ReadChunk((self.recipe or Recipe()).hydrogens, self.conformers, max_atoms=max_atoms)

    def of_reading(self, reading: Reading, ids: Sequence[str]) -> pd.DataFrame:
        r"""The results for the rows of a reading of :meth:`reader`, all of them, in their order.

        Args:
            reading: Molecules and failures.
            ids: Identifiers of the rows.
        """
        molecules = ReadMolecules(reading)
        known = has_structure((molecules._data, molecules.slices)).tolist() if len(molecules) else []
        flat = {row for row, there in zip(reading.rows.tolist(), known, strict=True) if not there}
        causes = {row: cause for row, cause in reading.conformer_errors.items() if row in flat}
        return self._frame(molecules, range(len(ids)), ids, causes)

    def _frame(
        self, molecules: MoleculeDataset, rows: Sequence[int], ids: Sequence[str], flat: Mapping[int, str]
    ) -> pd.DataFrame:
        r"""A row of results for each of these rows.

        Args:
            molecules: Those that could be read, and the failures.
            rows: Rows of their source.
            ids: Identifiers of these rows.
            flat: Why molecules that were to have conformers have none, by row.
        """
        found = molecules.row.tolist()
        place = {row: number for number, row in enumerate(rows)}
        smiles = dict(zip(found, molecules.smiles, strict=True))
        smiles.update({failure.row: failure.input for failure in molecules.failures})
        lost = flat if self.modality == "3d" else {}
        status = {failure.row: failure.reason for failure in molecules.failures}
        status.update({row: cause if lost else f"2D only: {cause}" for row, cause in flat.items()})
        usable = torch.tensor([number for number, row in enumerate(found) if row not in lost], dtype=torch.long)
        values = torch.full((len(rows), len(self.columns)), torch.nan, dtype=self.dtype)
        if len(usable):
            computed = self.values_of(molecules[usable])
            finite = computed.isfinite()
            own = [found[number] for number in usable.tolist()]
            status.update({own[number]: NOT_FINITE for number in (~finite.all(1)).nonzero().flatten().tolist()})
            places = torch.tensor([place[row] for row in own])
            values = values.index_copy(0, places, computed.where(finite, torch.nan).to(self.dtype))
        return pd.DataFrame(
            {
                "id": list(ids),
                "smiles": [smiles[row] for row in rows],
                **dict(zip(self.columns, values.T.numpy(), strict=True)),
                "status": [status.get(row, OK) for row in rows],
            }
        )


class ReadMolecules(MoleculeDataset):
    r"""The molecules of a reading."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(None)
        self.failures = reading.failures
        self.target_names = []
        self.data, self.slices = store(reading)


def conformer_settings(conformers: Conformers | int, seed: int | None, recipe: Recipe | None) -> Conformers:
    r"""The settings of conformers, those that are not given being those of the training molecules' conformers."""
    if not isinstance(conformers, int):
        return conformers
    known = (None if recipe is None else recipe.conformers) or Conformers()
    return replace(known, count=conformers, seed=known.seed if seed is None else seed)


def table_of(molecules: MoleculeTable | Sequence[str], recipe: Recipe | None, max_atoms: int | None) -> MoleculeTable:
    r"""Molecules as a table, SMILES being read with the training's hydrogens.

    Raises:
        ValueError: If they are one text, or a data frame.
    """
    if isinstance(molecules, MoleculeTable):
        return molecules
    if isinstance(molecules, (str, Path)):  # a text's elements would be its letters
        raise ValueError(
            f"`molecules` must be a list of SMILES or a MoleculeTable, got {str(molecules)!r}; give [SMILES], or "
            'MoleculeTable(path, on_error="keep") for a file'
        )
    if isinstance(molecules, (pd.DataFrame, Mapping)):  # its elements would be its columns' names
        raise ValueError(
            f"`molecules` must be a list of SMILES or a MoleculeTable, got {type(molecules).__name__}; give "
            'MoleculeTable(frame, on_error="keep"), or its column of SMILES'
        )
    given = pd.DataFrame({"smiles": list(molecules)}, dtype=object)
    hydrogens = (recipe or Recipe()).hydrogens
    return MoleculeTable(given, on_error="keep", hydrogens=hydrogens, progress=False, max_atoms=max_atoms)


def target_columns(names: Iterable[str]) -> list[str]:
    r"""What the columns of predictions are called, by the names of the targets."""
    return free_names(names, "_predicted", {*OWN_COLUMNS, SIMILARITY})


def free_names(names: Iterable[str], suffix: str, taken: Set[str]) -> list[str]:
    r"""The names, with the suffix behind those that are taken."""
    free: list[str] = []
    for name in names:
        while name in taken or name in free:
            name += suffix
        free.append(name)
    return free


def say_added(added: int, molecules: int) -> None:
    r"""Says how many molecules were given a conformer."""
    if added:
        _log.warning(
            "%d of %d molecules had no coordinates and were given a conformer; the modality '2d' needs none",
            added,
            molecules,
        )
