r"""Splits by Bemis-Murcko scaffold that depend on a seed, for repetitions over splits."""

import math
from collections.abc import Sequence

import torch

from pyg_moleblend.splits.fractions import Fractions, cumulative, fractions_name
from pyg_moleblend.splits.scaffold import scaffold_groups
from pyg_moleblend.splits.split import Split


def balanced_scaffold_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Split:
    r"""Splits by scaffold so that no part is only of rare scaffolds, as chemprop's ``scaffold_balanced`` does.

    Scaffolds are without chirality. The groups of more than half of valid's or of test's share come first, in random
    order, then the others, in random order. A group goes to train unless train would then hold more than its share,
    else to valid unless valid alone would hold more than its own share, else to test. So test takes what did not
    fit, and is larger than its share where a large group did not.

    The rule is chemprop's (Yang et al. 2019, doi:10.1021/acs.jcim.9b00237), the random numbers are torch's: no seed
    gives the very split of a seed of chemprop.

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1.
        seed: Of the order; part of the name.

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    cumulative(fractions)
    groups = scaffold_groups(smiles, chirality=False)
    limits = [share * len(smiles) for share in fractions]
    large = [len(group) > min(limits[1:]) / 2 for group in groups]
    order = _shuffled(len(groups), seed)
    order = sorted(order, key=lambda number: not large[number])  # stable: each half stays shuffled
    parts = _fill([groups[number] for number in order], (limits[0], limits[1], math.inf))
    return Split(f"scaffold balanced {fractions_name(fractions)} seed {seed}", *parts)


def random_scaffold_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Split:
    r"""Splits by scaffold in random order, as ``random_scaffold_split`` of pretrain-gnns and GraphMVP does.

    Scaffolds are with chirality. A group goes to valid unless valid would then hold more than its share of the
    molecules, rounded down, else to test by the same rule, else to train. The random numbers are torch's.

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1.
        seed: Of the order; part of the name.

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    cumulative(fractions)
    groups = scaffold_groups(smiles, chirality=True)
    shuffled = [groups[number] for number in _shuffled(len(groups), seed)]
    limits = (math.floor(fractions[1] * len(smiles)), math.floor(fractions[2] * len(smiles)), math.inf)
    valid, test, train = _fill(shuffled, limits)
    return Split(f"scaffold random {fractions_name(fractions)} seed {seed}", train, valid, test)


def _shuffled(count: int, seed: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order


def _fill(groups: Sequence[list[int]], limits: Sequence[float]) -> list[torch.Tensor]:
    r"""Each group goes to the first part that has room; the last part has no limit."""
    parts: list[list[int]] = [[] for _ in limits]
    for group in groups:
        next(part for part, limit in zip(parts, limits, strict=True) if len(part) + len(group) <= limit).extend(group)
    return [torch.tensor(part, dtype=torch.long) for part in parts]
