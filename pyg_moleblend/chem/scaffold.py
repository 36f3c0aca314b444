r"""Bemis-Murcko scaffolds (doi:10.1021/jm9602928)."""

from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles


def murcko_scaffold(mol: Chem.Mol, chirality: bool) -> str:
    r"""Canonical SMILES of a molecule's rings and what links them; empty where there is no ring.

    Args:
        mol: A sanitized molecule.
        chirality: Whether mirror images have different scaffolds.

    Raises:
        RuntimeError: If RDKit fails on it, as it may with a ``ValueError``, too.
    """
    # RDKit takes half a minute to take a chain of 2,000 atoms apart.
    if mol.GetRingInfo().NumRings() == 0:
        return ""
    return str(MurckoScaffoldSmiles(mol=mol, includeChirality=chirality))
