r"""Splits by the likeness of fingerprints: clusters that stay together, and a test of what is most unlike."""

from collections.abc import Sequence

import numpy as np
import torch
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.DataStructs import ExplicitBitVect
from rdkit.SimDivFilters import rdSimDivPickers

from pyg_moleblend.chem import MoleculeError, parse_smiles
from pyg_moleblend.splits.scaffold import fill_parts
from pyg_moleblend.splits.split import Fractions, Split, cumulative, fractions_name

CUTOFF = 0.4
r"""Tanimoto distance within which a molecule is a cluster centre's neighbour."""


def butina_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1), cutoff: float = CUTOFF) -> Split:
    r"""Splits by clusters of like molecules, the largest to train (:func:`butina_groups`).

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        cutoff: Tanimoto distance within which molecules are neighbours. (default: :obj:`0.4`)

    Raises:
        ValueError: If RDKit cannot read a SMILES, or the cutoff is not between 0 and 1.
    """
    name = f"butina {cutoff:g} {fractions_name(fractions)}"
    return fill_parts(butina_groups(smiles, cutoff), fractions, name)


def butina_groups(smiles: Sequence[str], cutoff: float = CUTOFF) -> list[list[int]]:
    r"""Clusters by Butina (1999, doi:10.1021/ci9803381) on Morgan fingerprints of radius 2: the molecule with most
    neighbours, with these, then the one with most of those that are left, counted at the beginning, and so on.

    Time grows with the square of the number of molecules: about a minute for 20,000.

    Args:
        smiles: The molecules.
        cutoff: Tanimoto distance within which molecules are neighbours. (default: :obj:`0.4`)

    Raises:
        ValueError: If RDKit cannot read a SMILES, or the cutoff is not between 0 and 1.
    """
    if not 0 < cutoff < 1:
        raise ValueError(f"`cutoff` must be between 0 and 1, got {cutoff}")
    prints = _fingerprints(smiles)
    neighbours = []
    for fingerprint in prints:
        likeness = np.array(DataStructs.BulkTanimotoSimilarity(fingerprint, prints))
        neighbours.append(np.flatnonzero(1 - likeness <= cutoff))
    left, groups = np.ones(len(prints), dtype=bool), []
    for centre in np.argsort([-len(near) for near in neighbours], kind="stable").tolist():
        if left[centre]:
            own = neighbours[centre][left[neighbours[centre]]]
            left[own] = False
            groups.append(own.tolist())
    return groups


def maxmin_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Split:
    r"""Splits so that the test molecules are as unlike each other as can be, then those for validation; the others are
    to train.

    MaxMin picking (Ashton et al. 2002, doi:10.1002/qsar.200290002) on Morgan fingerprints of radius 2: each molecule
    that is picked is the one whose nearest among those before is farthest.

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        seed: Of the first molecule; part of the name. (default: :obj:`0`)

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    prints = _fingerprints(smiles)
    train, valid = (round(len(prints) * share) for share in cumulative(fractions))
    picks, test = len(prints) - train, len(prints) - valid
    picked: list[int] = []
    if picks:
        first = torch.randint(len(prints), (1,), generator=torch.Generator().manual_seed(seed)).tolist()
        picked = list(rdSimDivPickers.MaxMinPicker().LazyBitVectorPick(prints, len(prints), picks, first))
    others = np.setdiff1d(np.arange(len(prints)), picked)
    parts = others.tolist(), picked[test:], picked[:test]
    return Split(f"maxmin {fractions_name(fractions)} seed {seed}", *(torch.tensor(p, dtype=torch.long) for p in parts))


def _fingerprints(smiles: Sequence[str]) -> list[ExplicitBitVect]:
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = []
    for position, text in enumerate(smiles):
        try:
            prints.append(morgan.GetFingerprint(parse_smiles(text)))
        except MoleculeError as error:
            raise ValueError(f"no fingerprint of molecule {position}, leave it out of the split: {error}") from error
    return prints
