r"""From the rows of a table to flat graphs: the one way in for every dataset, which loses no row silently."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from tqdm import tqdm

from pyg_moleblend.chem import FlatGraphs, Hydrogens, MoleculeError, apply_hydrogens, featurize, parse_smiles
from pyg_moleblend.chem.parse import given_smiles

CHUNK_SIZE = 512

Entry = str | Chem.Mol | MoleculeError | None
r"""What a row holds: a SMILES, a molecule, why there is none, or nothing."""


class Failure(NamedTuple):
    r"""A row without a molecule.

    Attributes:
        row: Position in the table, counted from 0.
        input: What the row holds.
        reason: Why that is no molecule.
    """

    row: int
    input: str
    reason: str


class Reading(NamedTuple):
    r"""The molecules of a table, and the rows without one.

    Attributes:
        graphs: Graphs of the M molecules that could be read, in the order of their rows.
        smiles: Their M SMILES.
        rows: Their rows, int64 ``[M]``.
        failures: The other rows.
    """

    graphs: FlatGraphs
    smiles: list[str]
    rows: NDArray[np.int64]
    failures: list[Failure]

    def drop(self, bad: NDArray[np.bool_], reason: Callable[[int], str]) -> "Reading":
        r"""Turns molecules into failures.

        Args:
            bad: The molecules to drop, ``[M]``.
            reason: Gives the reason for molecule ``m``.
        """
        if not bad.any():
            return self
        dropped = [Failure(int(self.rows[m]), self.smiles[m], reason(int(m))) for m in np.flatnonzero(bad)]
        kept = ~bad
        atoms = np.repeat(kept, self.graphs.num_atoms)
        edges = np.repeat(kept, self.graphs.num_edges)
        graphs = FlatGraphs(
            x=self.graphs.x[atoms],
            edge_index=self.graphs.edge_index[:, edges],
            edge_attr=self.graphs.edge_attr[edges],
            pos=self.graphs.pos[atoms],
            num_atoms=self.graphs.num_atoms[kept],
            num_edges=self.graphs.num_edges[kept],
        )
        smiles = [self.smiles[m] for m in np.flatnonzero(kept)]
        return Reading(graphs, smiles, self.rows[kept], sorted(self.failures + dropped))

    def renumber(self, rows: NDArray[np.int64]) -> "Reading":
        r"""The same molecules and failures, with ``rows[r]`` for each row ``r``."""
        failures = [failure._replace(row=int(rows[failure.row])) for failure in self.failures]
        return self._replace(rows=rows[self.rows], failures=failures)


def read_molecules(
    entries: Iterable[Entry],
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    progress: str | None = None,
    total: int | None = None,
) -> Reading:
    r"""Reads a table's molecules in chunks, so that no more than a chunk of them is held at a time.

    Args:
        entries: One entry a row.
        hydrogens: Which hydrogens become atoms.
        progress: Label of a progress bar; none by default.
        total: Number of rows, for the progress bar, where `entries` has no length.
    """
    size = len(entries) if isinstance(entries, Sequence) else total
    iterator, start, readings = iter(entries), 0, []
    with tqdm(total=size, desc=progress, disable=progress is None, unit="mol") as bar:
        while chunk := list(islice(iterator, CHUNK_SIZE)):
            rows = np.arange(start, start + len(chunk))
            readings.append(read_chunk(chunk, hydrogens).renumber(rows))
            start += len(chunk)
            bar.update(len(chunk))
    return concatenate(readings)


def read_chunk(entries: Sequence[Entry], hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Reading:
    r"""Reads the molecules of one chunk; rows are counted within it."""
    mols: list[Chem.Mol] = []
    smiles: list[str | None] = []
    rows: list[int] = []
    failures: list[Failure] = []
    for row, entry in enumerate(entries):
        try:
            mol, text = _molecule(entry, hydrogens)
        except MoleculeError as error:
            failures.append(Failure(row, error.input, error.reason))
        else:
            mols.append(mol)
            smiles.append(text)
            rows.append(row)
    try:
        graphs = featurize(mols)
    except MoleculeError as error:
        if len(entries) == 1:
            return concatenate([])._replace(failures=[Failure(0, _describe(mols[0]), error.reason)])
        # Rare: a molecule that RDKit made has no features. One at a time tells which.
        single = [read_chunk([entry], hydrogens) for entry in entries]
        return concatenate([reading.renumber(np.array([row])) for row, reading in enumerate(single)])
    texts = [
        Chem.MolToSmiles(mol, canonical=False) if text is None else text for mol, text in zip(mols, smiles, strict=True)
    ]
    return Reading(graphs, texts, np.array(rows, dtype=np.int64), failures)


def concatenate(readings: Sequence[Reading]) -> Reading:
    r"""Several readings as one, in their order; rows stay as they are."""
    parts = [reading.graphs for reading in readings] or [featurize([])]
    graphs = FlatGraphs(
        x=np.concatenate([part.x for part in parts]),
        edge_index=np.concatenate([part.edge_index for part in parts], axis=1),
        edge_attr=np.concatenate([part.edge_attr for part in parts]),
        pos=np.concatenate([part.pos for part in parts]),
        num_atoms=np.concatenate([part.num_atoms for part in parts]),
        num_edges=np.concatenate([part.num_edges for part in parts]),
    )
    rows = np.concatenate([reading.rows for reading in readings] or [np.empty(0, np.int64)])
    smiles = [text for reading in readings for text in reading.smiles]
    return Reading(graphs, smiles, rows, [failure for reading in readings for failure in reading.failures])


def _molecule(entry: Entry, hydrogens: Hydrogens | str) -> tuple[Chem.Mol, str | None]:
    if isinstance(entry, MoleculeError):
        raise entry
    if isinstance(entry, Chem.Mol):
        return apply_hydrogens(entry, hydrogens), None
    text = cast(str, entry)  # what is none, parse_smiles refuses with a reason
    mol = parse_smiles(text, hydrogens)
    return mol, given_smiles(text, mol)


def _describe(mol: Chem.Mol) -> str:
    name = mol.GetProp("_Name") if mol.HasProp("_Name") else ""
    return name or f"molecule with {mol.GetNumAtoms()} atoms"
