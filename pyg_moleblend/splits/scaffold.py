r"""Deterministic splits by Bemis-Murcko scaffold (doi:10.1021/jm9602928)."""

from collections import defaultdict
from collections.abc import Sequence

import torch

from pyg_moleblend.chem import MoleculeError, murcko_scaffold, parse_smiles
from pyg_moleblend.splits.fractions import Fractions, cumulative, fractions_name
from pyg_moleblend.splits.split import Split


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
        fractions: Shares of train, valid and test; their sum is 1.

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    return _fill(scaffold_groups(smiles, chirality=True), fractions, f"scaffold {fractions_name(fractions)}")


def deepchem_scaffold_split(smiles: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1)) -> Split:
    r"""Splits by scaffold without chirality, as DeepChem's ``ScaffoldSplitter`` does.

    Mirror images have one scaffold here; order and boundaries are those of :func:`scaffold_split`. Equal, as
    sets, to what DeepChem 2.8.0 gives for eight sets of MoleculeNet. MolCLR
    (arXiv 2102.10056) splits so, too, and Uni-Mol's published files are said to do so for ESOL and FreeSolv but not
    for Lipophilicity (its issue 344).

    Args:
        smiles: The molecules.
        fractions: Shares of train, valid and test; their sum is 1.

    Raises:
        ValueError: If RDKit cannot read a SMILES.
    """
    groups = scaffold_groups(smiles, chirality=False)
    return _fill(groups, fractions, f"scaffold (DeepChem) {fractions_name(fractions)}")


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


def _fill(groups: Sequence[list[int]], fractions: Fractions, name: str) -> Split:
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
