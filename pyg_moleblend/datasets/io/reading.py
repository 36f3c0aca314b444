r"""From the rows of a table to flat graphs: the one way in for every dataset, which loses no row silently."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from torch_geometric.data import Data
from tqdm import tqdm

from pyg_moleblend.chem import Conformers, FlatGraphs, Hydrogens, MoleculeError, featurize, generate_conformers
from pyg_moleblend.chem.conformers import RUNGS
from pyg_moleblend.chem.parse import atoms_of_text
from pyg_moleblend.datasets.io.entries import Entry, describe_entry, pack_entries, read_entry
from pyg_moleblend.datasets.io.failures import Failure
from pyg_moleblend.datasets.io.reading_result import Reading, concatenate
from pyg_moleblend.datasets.io.transformed import transformed
from pyg_moleblend.runtime.worker_pool import Started, in_chunks, map_chunks

__all__ = ["CHUNK_SIZE", "Entry", "Failure", "ReadChunk", "Reading", "concatenate", "read_chunk", "read_molecules"]

CHUNK_SIZE = 512

CONFORMER_CHUNK_SIZE = 4
r"""Fewer where there are conformers to be found: what was done of a chunk is lost with a worker that is killed."""

READING_DEADLINE = 60.0
r"""Seconds that a molecule may take where no conformers are wanted, by default; 1 ms is usual."""

TOO_LONG = "reading it takes longer than the deadline, or crashes"


@dataclass(frozen=True)
class ReadChunk:
    r""":func:`read_chunk` with its settings, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it.

    Args:
        hydrogens: Which hydrogens become atoms.
        conformers: Which conformers molecules without coordinates are to have; none by default.
        transform: Applied to every molecule, see :func:`~pyg_moleblend.datasets.io.transformed.transformed`.
        max_atoms: Most atoms of a molecule; no limit by default.
    """

    hydrogens: Hydrogens | str = Hydrogens.REMOVE
    conformers: Conformers | None = None
    transform: Callable[[Data], Data] | None = None
    max_atoms: int | None = None

    @property
    def deadline(self) -> float:
        r"""Seconds that a molecule may take."""
        return READING_DEADLINE if self.conformers is None else self.conformers.deadline

    @property
    def chunk_size(self) -> int:
        r"""Molecules of a chunk."""
        return CHUNK_SIZE if self.conformers is None else min(CHUNK_SIZE, CONFORMER_CHUNK_SIZE)

    def __call__(self, entries: Sequence[Entry], kills: Sequence[int], started: Started) -> Reading:
        reading = read_chunk(entries, self.hydrogens, self.conformers, kills, started, self.max_atoms)
        return reading if self.transform is None else transformed(reading, self.transform, started)


def read_molecules(
    entries: Iterable[Entry],
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    progress: str | None = None,
    total: int | None = None,
    conformers: Conformers | None = None,
    num_workers: int = 0,
    max_atoms: int | None = None,
) -> Reading:
    r"""Reads a table's molecules in chunks, so that no more than some chunks of them are held at a time.

    Args:
        entries: One entry a row.
        hydrogens: Which hydrogens become atoms.
        progress: Label of a progress bar; none by default.
        total: Number of rows, for the progress bar, where `entries` has no length.
        conformers: Which conformers molecules without coordinates are to have; none by default. What a molecule
            gets does not depend on the others, nor on the number of workers.
        num_workers: Processes that work on it, and that are killed where a molecule takes longer than the deadline
            (:func:`~pyg_moleblend.runtime.worker_pool.map_chunks`); 0 is this one, without a hard deadline.
        max_atoms: Most atoms of a molecule; a row with more is a failure. No limit by default.
    """
    size = len(entries) if isinstance(entries, Sequence) else total
    read = ReadChunk(hydrogens, conformers, max_atoms=max_atoms)
    chunks: Iterable[list[Entry]] = in_chunks(entries, read.chunk_size)
    if num_workers:
        chunks = map(pack_entries, chunks)
    start, readings = 0, []
    with tqdm(total=size, desc=progress, disable=progress is None, unit="mol") as bar:
        for reading in map_chunks(read, chunks, num_workers, read.deadline):
            number = len(reading.rows) + len(reading.failures)
            readings.append(reading.renumber(np.arange(start, start + number)))
            start += number
            bar.update(number)
    return concatenate(readings)


def read_chunk(
    entries: Sequence[Entry],
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    conformers: Conformers | None = None,
    kills: Sequence[int] | None = None,
    started: Callable[[int], None] = lambda item: None,
    max_atoms: int | None = None,
) -> Reading:
    r"""Reads the molecules of one chunk; rows are counted within it.

    Args:
        entries: One entry a row.
        hydrogens: Which hydrogens become atoms.
        conformers: Which conformers molecules without coordinates are to have; none by default.
        kills: How many worker processes each entry has ended: with conformers, the rung of the ladder that it begins
            with; an entry that cannot even be read is a failure then.
        started: Is told the row that is begun with, -1 between rows.
        max_atoms: Most atoms of a molecule; a row with more is a failure. No limit by default.
    """
    kills = kills or [0] * len(entries)
    most = 0 if conformers is None else len(RUNGS) - 1
    mols: dict[int, Chem.Mol] = {}
    texts: dict[int, str | None] = {}
    failures: list[Failure] = []
    for row, entry in enumerate(entries):
        started(row)
        if kills[row] > most:
            failures.append(Failure(row, describe_entry(entry), TOO_LONG))
            continue
        try:
            mol, text = read_entry(_of_size(entry, max_atoms), hydrogens)
            _check_size(describe_entry(entry), mol.GetNumAtoms(), max_atoms)
        except MoleculeError as error:
            failures.append(Failure(row, error.input, error.reason))
        else:
            mols[row], texts[row] = mol, text
    started(-1)
    graphs, bad = _featurize(mols)
    rows = [row for row in mols if row not in {failure.row for failure in bad}]
    smiles = [texts[row] or Chem.MolToSmiles(mols[row], canonical=False) for row in rows]
    reading = Reading(graphs, smiles, np.array(rows, dtype=np.int64), sorted(failures + bad), {})
    return reading if conformers is None else _with_conformers(reading, mols, conformers, kills, started)


def _of_size(entry: Entry, max_atoms: int | None) -> Entry:
    r"""The entry; :class:`MoleculeError` where its text alone says that it is too large, for reading it takes long."""
    if isinstance(entry, str) and max_atoms is not None and len(entry) > max_atoms:
        _check_size(entry, atoms_of_text(entry), max_atoms)
    return entry


def _check_size(name: str, atoms: int, max_atoms: int | None) -> None:
    if max_atoms is not None and atoms > max_atoms:
        reason = f"it has {atoms} atoms, more than the {max_atoms} that a molecule may have (max_atoms)"
        raise MoleculeError(name, reason, "leave it out, or raise the limit")


def _with_conformers(
    reading: Reading, mols: dict[int, Chem.Mol], settings: Conformers, kills: Sequence[int], started: Started
) -> Reading:
    pos = reading.graphs.pos
    several: NDArray[np.float32] = np.full((len(pos), settings.count, 3), np.nan, dtype=np.float32)
    several[:, 0] = pos
    errors: dict[int, str] = {}
    for row, graph in zip(reading.rows.tolist(), reading.graphs.each(), strict=True):
        if np.isnan(graph.pos[:1]).any():  # a structure is there as a whole or not at all
            started(row)
            positions, _, cause = generate_conformers(mols[row], settings, kills[row])
            several[graph.atoms] = positions.swapaxes(0, 1)
            if cause:
                errors[row] = cause
    started(-1)
    fields = {"conformers": several} if settings.count > 1 else {}
    graphs = reading.graphs._replace(pos=np.ascontiguousarray(several[:, 0]), fields=fields)
    return reading._replace(graphs=graphs, conformer_errors=errors)


def _featurize(mols: dict[int, Chem.Mol]) -> tuple[FlatGraphs, list[Failure]]:
    try:
        return featurize(list(mols.values())), []
    except MoleculeError as error:
        if len(mols) == 1:
            row, mol = next(iter(mols.items()))
            return featurize([]), [Failure(row, describe_entry(mol), error.reason)]
    # Rare: a molecule that RDKit made has no features. One at a time tells which.
    single = [_featurize({row: mol}) for row, mol in mols.items()]
    graphs = FlatGraphs.concatenate([found for found, _ in single])
    return graphs, [bad for _, failures in single for bad in failures]
