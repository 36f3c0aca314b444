r"""From what a source writes to molecules: one reader for each way of writing them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem import Hydrogens, MoleculeError, parse_smiles
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, SilencedLog
from pyg_moleblend.datasets.io.entries import PackedMol
from pyg_moleblend.datasets.io.reading import Reading, read_chunk
from pyg_moleblend.datasets.pcqm4mv2.raw import SmilesAndRecord
from pyg_moleblend.datasets.pcqm4mv2.reading import ReadPairs
from pyg_moleblend.datasets.qm9.geometry import attach_geometries
from pyg_moleblend.datasets.qm9.sources import Record
from pyg_moleblend.runtime.worker_pool import Started

UNREADABLE = "unreadable"
STRUCTURE = "structure"
DEADLINE = "deadline"

Found = Chem.Mol | str
r"""A molecule without hydrogens, with a conformer where the source has a structure; or why there is none: RDKit cannot
read it, its structure is that of another molecule, or it took too long."""

Reader = Callable[[Sequence[Any], Sequence[int], Started], list[Found]]
r"""Reads a chunk of entries; see :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` for the other arguments."""


def read_smiles(entries: Sequence[str], kills: Sequence[int], started: Started) -> list[Found]:
    r"""Molecules of SMILES, without structures."""
    found: list[Found] = []
    with LOG_LOCK, SilencedLog():
        for i, text in enumerate(entries):
            started(i)
            # At a character that is not ASCII RDKit stops reading, without a word.
            mol = Chem.MolFromSmiles(text) if not kills[i] and text.isascii() else None
            found.append(DEADLINE if kills[i] else mol if mol is not None and mol.GetNumAtoms() else UNREADABLE)
    return found


def read_cxsmiles(entries: Sequence[str], kills: Sequence[int], started: Started) -> list[Found]:
    r"""Molecules of CXSMILES whose hydrogens are explicit, with the coordinates that stand behind the SMILES."""
    found: list[Found] = []
    for i, text in enumerate(entries):
        started(i)
        try:
            found.append(DEADLINE if kills[i] else Chem.RemoveHs(parse_smiles(text, Hydrogens.KEEP)))
        except MoleculeError:
            found.append(UNREADABLE)
    return found


def read_qm9(entries: Sequence[Record], kills: Sequence[int], started: Started) -> list[Found]:
    r"""Molecules of QM9, as :class:`~pyg_moleblend.datasets.QM9` has them, with their DFT coordinates."""
    if all(isinstance(record.entry, str) for record in entries):
        reading = read_chunk([record.entry for record in entries], kills=kills, started=started)
        geometries = [record.geometry for record in entries]
        return _molecules(attach_geometries(reading, geometries), reading.rows, kills)
    found: list[Found] = []
    for i, record in enumerate(entries):
        started(i)
        if kills[i]:
            found.append(DEADLINE)
        elif isinstance(record.entry, PackedMol):  # from PyG's SD file: the coordinates are the molecule's own
            found.append(Chem.RemoveHs(record.entry.mol()))
        else:
            found.append(UNREADABLE)
    return found


def read_pcqm4mv2(entries: Sequence[SmilesAndRecord], kills: Sequence[int], started: Started) -> list[Found]:
    r"""Molecules of PCQM4Mv2's table, with the DFT coordinates of its SD file where there is one and it fits."""
    reading = ReadPairs("smiles")(entries, kills, started)
    return _molecules(reading, reading.rows, [max(number - 1, 0) for number in kills])


def with_positions(mol: Chem.Mol, pos: NDArray[np.floating[Any]]) -> Chem.Mol:
    r"""A copy of a molecule with one conformer.

    Args:
        mol: A molecule of N atoms.
        pos: Their coordinates in Å, ``[N, 3]``.
    """
    result, conformer = Chem.Mol(mol), Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.ascontiguousarray(pos, dtype=np.float64))
    result.RemoveAllConformers()
    result.AddConformer(conformer, assignId=True)
    return result


def _molecules(reading: Reading, readable: NDArray[np.int64], kills: Sequence[int]) -> list[Found]:
    r"""The molecules of a reading's graphs; `readable` are the rows that were a molecule before its structure was
    looked at."""
    found: list[Found] = [DEADLINE if number else UNREADABLE for number in kills]
    for row in readable.tolist():
        found[row] = STRUCTURE
    for row, smiles, graph in zip(reading.rows.tolist(), reading.smiles, reading.graphs.each(), strict=True):
        mol = parse_smiles(smiles)  # the graph's atoms are in its order
        found[row] = with_positions(mol, graph.pos) if np.isfinite(graph.pos).all() else mol
    return found
