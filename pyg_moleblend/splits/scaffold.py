r"""Splits by Bemis-Murcko scaffold (doi:10.1021/jm9602928): deterministic ones, and with a seed for repetitions."""

import math
from collections import defaultdict
from collections.abc import Sequence

import torch

from pyg_moleblend.chem import MoleculeError, murcko_scaffold, parse_smiles
from pyg_moleblend.splits.split import Fractions, Split, cumulative, fractions_name


def scaffold_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1)) -> Split:
    r"""Splits by scaffold with chirality, as `OGB <https://arxiv.org/abs/2005.00687>`_ does.

    Molecules with one scaffold stay together; all those without a ring have the empty one. The groups come largest
    first, and among equals the one whose first molecule is last. A group goes to train unless train would then hold
    more than its share of the molecules, else to valid unless train and valid together would hold more than theirs,
    else to test. Smaller groups go on filling train and valid after a larger one did not fit.

    The same rule is that of pretrain-gnns (Hu et al., arXiv 1905.12265), GraphMVP (arXiv 2110.07728) and GEM
    (doi:10.1038/s42256-021-00438-4).

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    return fill_parts(scaffold_groups(smiles, chirality=True), fractions, f"scaffold {fractions_name(fractions)}")


def deepchem_scaffold_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1)) -> Split:
    r"""Splits by scaffold without chirality, as DeepChem's ``ScaffoldSplitter`` does.

    Mirror images have one scaffold here; order and boundaries are those of :func:`scaffold_split`. Equal, as
    sets, to what DeepChem 2.8.0 gives for eight sets of MoleculeNet. MolCLR
    (arXiv 2102.10056) splits so, too, and Uni-Mol's published files are said to do so for ESOL and FreeSolv but not
    for Lipophilicity (its issue 344).

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    groups = scaffold_groups(smiles, chirality=False)
    return fill_parts(groups, fractions, f"scaffold (DeepChem) {fractions_name(fractions)}")


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
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        seed: Of the order; part of the name. (default: :obj:`0`)

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    cumulative(fractions)
    groups = scaffold_groups(smiles, chirality=False)
    limits = [share * len(smiles) for share in fractions]
    large = [len(group) > min(limits[1:]) / 2 for group in groups]
    order = _shuffled(len(groups), seed)
    order = sorted(order, key=lambda number: not large[number])  # stable: each half stays shuffled
    parts = _deal([groups[number] for number in order], (limits[0], limits[1], math.inf))
    return Split(f"scaffold balanced {fractions_name(fractions)} seed {seed}", *parts)


def random_scaffold_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 0) -> Split:
    r"""Splits by scaffold in random order, as ``random_scaffold_split`` of pretrain-gnns and GraphMVP does.

    Scaffolds are with chirality. A group goes to valid unless valid would then hold more than its share of the
    molecules, rounded down, else to test by the same rule, else to train. The random numbers are torch's.

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1. (default: :obj:`(0.8, 0.1, 0.1)`)
        seed: Of the order; part of the name. (default: :obj:`0`)

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    cumulative(fractions)
    groups = scaffold_groups(smiles, chirality=True)
    shuffled = [groups[number] for number in _shuffled(len(groups), seed)]
    limits = (math.floor(fractions[1] * len(smiles)), math.floor(fractions[2] * len(smiles)), math.inf)
    valid, test, train = _deal(shuffled, limits)
    return Split(f"scaffold random {fractions_name(fractions)} seed {seed}", train, valid, test)


def scaffold_groups(smiles: Sequence[str], chirality: bool) -> list[list[int]]:
    r"""Positions of the molecules of each scaffold, ascending; groups in the order of their first molecules.

    Args:
        smiles: The molecules.
        chirality: Whether mirror images have different scaffolds.

    Raises:
        ValueError: If there is no scaffold for a molecule.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(smiles):
        try:
            scaffold = murcko_scaffold(parse_smiles(text), chirality)
        except (MoleculeError, RuntimeError, ValueError) as error:
            raise ValueError(f"no scaffold for molecule {position}, leave it out of the split: {error}") from error
        groups[scaffold].append(position)
    return list(groups.values())


def fill_parts(groups: Sequence[list[int]], fractions: Fractions, name: str) -> Split:
    train_end, valid_end = (share * sum(map(len, groups)) for share in cumulative(fractions))
    train: list[int] = []
    valid: list[int] = []
    test: list[int] = []
    for group in sorted(groups, key=lambda group: (len(group), group[0]), reverse=True):
        if len(train) + len(group) <= train_end:
            train += group
        elif len(train) + len(valid) + len(group) <= valid_end:
            valid += group
        else:
            test += group
    return Split(name, *(torch.tensor(part, dtype=torch.long) for part in (train, valid, test)))


def _deal(groups: Sequence[list[int]], limits: Sequence[float]) -> list[torch.Tensor]:
    r"""Each group goes to the first part that has room; the last part has no limit."""
    parts: list[list[int]] = [[] for _ in limits]
    for group in groups:
        next(part for part, limit in zip(parts, limits, strict=True) if len(part) + len(group) <= limit).extend(group)
    return [torch.tensor(part, dtype=torch.long) for part in parts]


def _shuffled(count: int, seed: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order
