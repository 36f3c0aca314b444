r"""From PCQM4Mv2's rows to molecules: the SMILES' graph, the record's coordinates, and what became of each row."""

from collections.abc import Sequence
from dataclasses import dataclass

from rdkit import Chem

from pyg_moleblend.chem import MoleculeError, parse_molblock, parse_smiles
from pyg_moleblend.chem.structure import Chirality, StructureError, with_structure, without_stereo
from pyg_moleblend.datasets.io.reading import Reading, read_chunk
from pyg_moleblend.datasets.pcqm4mv2.raw import SmilesAndRecord
from pyg_moleblend.runtime.worker_pool import Started

_TOO_LONG = "it took longer than allowed"


@dataclass(frozen=True)
class ReadPairs:
    r"""Reads a chunk of rows, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it.

    A molecule whose record cannot be used has no coordinates, and the cause is among the ``conformer_errors``; one
    whose SMILES cannot be read is a failure.

    Args:
        chirality: Whose stereochemistry a molecule has, see :func:`~pyg_moleblend.chem.structure.with_structure`.
    """

    chirality: Chirality

    def __call__(self, chunk: Sequence[SmilesAndRecord], kills: Sequence[int], started: Started) -> Reading:
        entries: list[Chem.Mol | MoleculeError] = []
        causes: dict[int, str] = {}
        for i, entry in enumerate(chunk):
            started(i)
            mol, cause = self._read(entry, kills[i])
            entries.append(mol)
            if cause:
                causes[i] = cause
        started(-1)
        reading = read_chunk(entries)
        rows = reading.rows.tolist()
        causes = {row: causes[row] for row in rows if row in causes}
        return reading._replace(smiles=[chunk[row].smiles for row in rows], conformer_errors=causes)

    def _read(self, entry: SmilesAndRecord, kills: int) -> tuple[Chem.Mol | MoleculeError, str]:
        r"""The molecule, and why it has no coordinates though there is a record."""
        cause = ""
        try:
            if kills > 1:
                raise MoleculeError(entry.smiles, _TOO_LONG, "leave it out")
            mol = parse_smiles(entry.smiles)
        except MoleculeError as error:
            return error, ""
        if entry.record is not None and kills:
            cause = _TOO_LONG
        elif entry.record is not None:
            try:
                return with_structure(mol, parse_molblock(entry.record), self.chirality), ""
            except StructureError as error:
                cause = str(error)
            except MoleculeError as error:
                cause = f"its record cannot be read: {error.reason}"
        return (without_stereo(mol) if self.chirality == "none" else mol), cause
