r"""What the corpus keeps of a molecule, found by worker processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError, skeleton
from pyg_moleblend.datasets.corpus.reading import Found, Reader
from pyg_moleblend.datasets.corpus.rules import Rules
from pyg_moleblend.runtime.worker_pool import Started

NO_KEY = "no key"
TOO_LARGE = "too large"
KEY_LENGTH = 14

RECORDS = pa.schema(
    {
        "row": pa.int64(),
        "reason": pa.string(),
        "smiles": pa.string(),
        "skeleton": pa.string(),
        "heavy_atoms": pa.int16(),
        "charge": pa.int8(),
        "pos": pa.list_(pa.float32()),
    }
)
r"""One row a row of the source. ``reason`` is empty for a molecule that may be kept, and else says why it may not;
``skeleton`` is the first block of the InChIKey of the charge parent; ``pos`` holds x, y, z in Å of the atoms of
``parse_smiles(smiles)`` in their order, null without a structure."""

KEYS = pa.schema({"row": pa.int64(), "reason": pa.string(), "skeleton": pa.string()})
r"""The same, of a molecule that is to be left out of the corpus."""

_MARGIN = 2
_METALS_ASIDE = Rules(1, 10_000, 10_000)

Chunk = Sequence[tuple[int, Any]]
r"""Rows of a source: their numbers, and what the source writes."""


@dataclass(frozen=True)
class RecordChunk:
    r"""The records of a chunk of rows, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it.

    A molecule is normalised by being read and written by RDKit: hydrogens become implicit, numbers of atom maps are
    taken out, and the SMILES is the canonical one, with stereochemistry.

    Args:
        reader: Reads the rows.
        rules: Says which molecules may be kept.
    """

    reader: Reader
    rules: Rules
    schema = RECORDS

    def __call__(self, chunk: Chunk, kills: Sequence[int], started: Started) -> pa.RecordBatch:
        columns: dict[str, list[Any]] = {name: [] for name in RECORDS.names}
        found = self.reader([entry for _, entry in chunk], kills, started)
        for i, ((row, _), mol) in enumerate(zip(chunk, found, strict=True)):
            started(i)
            for name, value in zip(RECORDS.names, (row, *self._record(mol)), strict=True):
                columns[name].append(value)
        started(-1)
        return pa.RecordBatch.from_pydict(columns, schema=RECORDS)

    def _record(self, mol: Found) -> tuple[str, str | None, str | None, int | None, int | None, list[float] | None]:
        reason = mol if isinstance(mol, str) else self.rules.refusal(mol)
        if reason or isinstance(mol, str):
            return reason, None, None, None, None, None
        key = _key(mol)
        if key is None:
            return NO_KEY, None, None, None, None, None
        smiles, pos = normal_form(mol)
        return "", smiles, key, mol.GetNumHeavyAtoms(), Chem.GetFormalCharge(mol), pos


@dataclass(frozen=True)
class KeyChunk:
    r"""The keys of a chunk of a benchmark's rows, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it.

    Args:
        reader: Reads the rows.
        max_heavy_atoms: Molecules that are certainly larger need no key, for nothing in the corpus can be one of them.
    """

    reader: Reader
    max_heavy_atoms: int
    schema = KEYS

    def __call__(self, chunk: Chunk, kills: Sequence[int], started: Started) -> pa.RecordBatch:
        columns: dict[str, list[Any]] = {name: [] for name in KEYS.names}
        found = self.reader([entry for _, entry in chunk], kills, started)
        for i, ((row, _), mol) in enumerate(zip(chunk, found, strict=True)):
            started(i)
            reason = mol if isinstance(mol, str) else TOO_LARGE if self._is_too_large(mol) else ""
            key = None if reason or isinstance(mol, str) else _key(mol)
            for name, value in zip(KEYS.names, (row, reason or ("" if key else NO_KEY), key), strict=True):
                columns[name].append(value)
        started(-1)
        return pa.RecordBatch.from_pydict(columns, schema=KEYS)

    def _is_too_large(self, mol: Chem.Mol) -> bool:
        # Of a salt, or of a metal's complex, the parent may be small.
        whole = _METALS_ASIDE.refusal(mol) not in ("fragments", "elements")
        return whole and mol.GetNumHeavyAtoms() > self.max_heavy_atoms + _MARGIN


def normal_form(mol: Chem.Mol) -> tuple[str, list[float] | None]:
    r"""The canonical SMILES of a molecule and the coordinates of its atoms, in the SMILES' order.

    Args:
        mol: A molecule, with a conformer or without; it is not modified.

    Returns:
        The SMILES, and x, y, z of the atoms that are read from it, one after another; ``None`` without a conformer.
    """
    if any(atom.GetAtomMapNum() for atom in mol.GetAtoms()):
        mol = Chem.Mol(mol)
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
    smiles = Chem.MolToSmiles(mol)
    if not mol.GetNumConformers():
        return smiles, None
    order = mol.GetPropsAsDict(includePrivate=True, includeComputed=True)["_smilesAtomOutputOrder"]
    again = Chem.MolFromSmiles(smiles)
    # RDKit keeps a hydrogen that defines a double bond's stereochemistry, and may drop it when it reads it again.
    if again is None or again.GetNumAtoms() != len(order):
        return smiles, None
    pos = mol.GetConformer().GetPositions()[list(order)].astype(np.float32)
    return smiles, pos.ravel().tolist()


def _key(mol: Chem.Mol) -> str | None:
    r"""The skeleton's key, ``None`` where InChI has none."""
    try:
        key = skeleton(mol)
    except MoleculeError:
        return None
    return key if len(key) == KEY_LENGTH and key.isalpha() and key.isupper() else None
