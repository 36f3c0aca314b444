r"""OGB's sets rebuilt from MoleculeNet's tables, for where OGB's own files cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError, featurize, murcko_scaffold
from pyg_moleblend.chem.parse import parse_each
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, ErrorLog
from pyg_moleblend.datasets.io.raw import read_csv
from pyg_moleblend.datasets.io.reading import Reading
from pyg_moleblend.datasets.moleculenet.dataset import SOURCES
from pyg_moleblend.splits.scaffold import _fill
from pyg_moleblend.splits.split import Split

MOLECULENET_NAMES = {"ogbg-molbbbp": "bbbp", "ogbg-molesol": "esol", "ogbg-molhiv": "hiv"}
r"""MoleculeNet's names of the sets that can be rebuilt: those whose rows and parts were seen to be OGB's."""

KEEPS_EVERY_ROW = ("ogbg-molhiv",)
r"""Sets of which OGB has the molecules, too, that only the RDKit of 2019 could read; of the others it has dropped what
RDKit rejected."""

_ALL_BUT_VALENCE = Chem.SanitizeFlags.SANITIZE_ALL ^ Chem.SanitizeFlags.SANITIZE_PROPERTIES


class Rebuilt(NamedTuple):
    r"""A set of OGB.

    Attributes:
        reading: Its molecules; rows are OGB's own numbers.
        labels: ``[M, T]``, NaN where there is none.
        names: Of the T targets.
        split: OGB's own parts.
    """

    reading: Reading
    labels: NDArray[np.float32]
    names: list[str]
    split: Split


def rebuild(path: str | Path, name: str) -> Rebuilt:
    r"""Reads MoleculeNet's table as OGB did.

    OGB has made its sets from the same tables, and split them by scaffold. Seven molecules of HIV, all inactive, have
    valences that RDKit rejects today: they are read without that check, have scaffolds of their own, and are in the
    set, for without them the borders of the parts move.

    Args:
        path: MoleculeNet's CSV file, compressed or not.
        name: OGB's name of the set, one of :data:`MOLECULENET_NAMES`.

    Raises:
        ValueError: If the set cannot be rebuilt, or the file is not MoleculeNet's.
    """
    if name not in MOLECULENET_NAMES:
        raise ValueError(f"{name!r} cannot be rebuilt from MoleculeNet, only {sorted(MOLECULENET_NAMES)}")
    source = SOURCES[MOLECULENET_NAMES[name]]
    table = read_csv(path, "MoleculeNet's", [source.smiles], [source.smiles])
    if len(table) != source.rows:
        raise ValueError(f"{path} has {len(table)} rows, {source.title} {source.rows}; download it again")
    smiles, labels = table[source.smiles].str.strip().tolist(), table.iloc[:, source.targets]
    mols: dict[int, Chem.Mol] = {}
    for row, (text, mol) in enumerate(zip(smiles, parse_each(smiles), strict=True)):
        if not isinstance(mol, MoleculeError):
            mols[row] = mol
        elif name in KEEPS_EVERY_ROW:
            mols[row] = _without_valence(text)
    kept, found = list(mols), list(mols.values())
    reading = Reading(featurize(found), [smiles[row] for row in kept], np.arange(len(kept)), [], {})
    return Rebuilt(reading, labels.to_numpy(np.float32)[kept], list(labels), _split(found, name))


def _split(mols: list[Chem.Mol], name: str) -> Split:
    groups: dict[str, list[int]] = {}
    with LOG_LOCK, ErrorLog():
        for row, mol in enumerate(mols):
            try:
                scaffold = murcko_scaffold(mol, chirality=True)
            except (RuntimeError, ValueError):  # where a valence was not checked it is the molecule itself
                scaffold = f"molecule {row}"
            groups.setdefault(scaffold, []).append(row)
    parts = _fill(list(groups.values()), (0.8, 0.1, 0.1), name)
    return Split(f"{name} official scaffold", *(part.sort().values for part in parts.as_dict().values()))


def _without_valence(smiles: str) -> Chem.Mol:
    with LOG_LOCK, ErrorLog():
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
        Chem.SanitizeMol(mol, _ALL_BUT_VALENCE)
        mol.UpdatePropertyCache(strict=False)
    return mol
