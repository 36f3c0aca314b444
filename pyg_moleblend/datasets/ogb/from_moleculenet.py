r"""OGB's sets rebuilt from MoleculeNet's tables, for where OGB's own files cannot be had."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from pyg_moleblend.chem import MoleculeError, featurize, murcko_scaffold
from pyg_moleblend.chem.parse import parse_each
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, ErrorLog
from pyg_moleblend.datasets.io.raw import read_csv
from pyg_moleblend.datasets.io.reading import Reading
from pyg_moleblend.datasets.moleculenet.dataset import SOURCES, Source
from pyg_moleblend.splits.scaffold import fill_parts
from pyg_moleblend.splits.split import Split

MOLECULENET_NAMES = {
    "ogbg-molbace": "bace",
    "ogbg-molbbbp": "bbbp",
    "ogbg-molclintox": "clintox",
    "ogbg-molesol": "esol",
    "ogbg-molfreesolv": "freesolv",
    "ogbg-molhiv": "hiv",
    "ogbg-mollipo": "lipo",
    "ogbg-molmuv": "muv",
    "ogbg-molpcba": "pcba",
    "ogbg-molsider": "sider",
    "ogbg-moltox21": "tox21",
    "ogbg-moltoxcast": "toxcast",
}
r"""MoleculeNet's names of OGB's sets."""

SPLIT_HASHES = {
    "ogbg-molbbbp": "0570a1111df2",
    "ogbg-molesol": "dbd208eb8c66",
    "ogbg-molhiv": "feda8af43ac4",
}
r"""Hashes of the splits of the sets that were compared with OGB's: the first two with its files, HIV with published
labels of its validation and test parts."""

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


def moleculenet_source(name: str) -> Source:
    r"""Where MoleculeNet has a set of OGB.

    Raises:
        ValueError: If it does not have it.
    """
    if name not in MOLECULENET_NAMES:
        raise ValueError(f"{name!r} cannot be rebuilt from MoleculeNet, only {sorted(MOLECULENET_NAMES)}")
    return SOURCES[MOLECULENET_NAMES[name]]


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
    source = moleculenet_source(name)
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
    split = _split(found, name)
    if name not in SPLIT_HASHES:
        warnings.warn(
            f"{name} is rebuilt by the rules that give {', '.join(SPLIT_HASHES)}, but was not compared with OGB's "
            "files: its rows and parts may be others",
            stacklevel=2,
        )
    elif split.hash != SPLIT_HASHES[name]:
        raise ValueError(
            f"the parts made of {path} are not those of {name} (hash {split.hash}, OGB's {SPLIT_HASHES[name]}): the "
            f"file is another, or RDKit {rdBase.rdkitVersion} has other scaffolds; use source='ogb'"
        )
    return Rebuilt(reading, labels.to_numpy(np.float32)[kept], list(labels), split)


def _split(mols: list[Chem.Mol], name: str) -> Split:
    groups: dict[str, list[int]] = {}
    with LOG_LOCK, ErrorLog():
        for row, mol in enumerate(mols):
            try:
                scaffold = murcko_scaffold(mol, chirality=True)
            except (RuntimeError, ValueError):  # where a valence was not checked it is the molecule itself
                scaffold = f"molecule {row}"
            groups.setdefault(scaffold, []).append(row)
    parts = fill_parts(list(groups.values()), (0.8, 0.1, 0.1), name)
    return Split(f"{name} official scaffold", *(part.sort().values for part in parts.as_dict().values()))


def _without_valence(smiles: str) -> Chem.Mol:
    with LOG_LOCK, ErrorLog():
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
        Chem.SanitizeMol(mol, _ALL_BUT_VALENCE)
        mol.UpdatePropertyCache(strict=False)
    return mol
