r"""A chunk of molecules on its way from RDKit to PyG: flat arrays, and the SMILES of each."""

from collections.abc import Sequence
from typing import NamedTuple

from rdkit import Chem

from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.featurize import FlatGraphs, featurize
from pyg_moleblend.chem.hydrogens import Hydrogens, apply_hydrogens
from pyg_moleblend.chem.parse import given_smiles, parse_each


class MoleculeChunk(NamedTuple):
    r"""Flat arrays of M molecules and their M SMILES."""

    graphs: FlatGraphs
    smiles: list[str]


def chunk_from_smiles(smiles: Sequence[str], hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> MoleculeChunk:
    r"""Chunk of molecules given as SMILES.

    Args:
        smiles: M SMILES.
        hydrogens: Which hydrogens become atoms.

    Returns:
        The chunk; its SMILES are those that were given, without names after them.

    Raises:
        MoleculeError: If one of them cannot be read.
    """
    mols: list[Chem.Mol] = []
    for mol in parse_each(smiles, hydrogens):
        if isinstance(mol, MoleculeError):
            raise mol
        mols.append(mol)
    return MoleculeChunk(featurize(mols), [given_smiles(text, mol) for text, mol in zip(smiles, mols, strict=True)])


def chunk_from_mols(
    mols: Sequence[Chem.Mol],
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    smiles: Sequence[str] | None = None,
) -> MoleculeChunk:
    r"""Chunk of RDKit molecules; their atoms, coordinates and atom order are kept.

    Args:
        mols: M sanitized molecules; they are not modified.
        hydrogens: Which hydrogens become atoms.
        smiles: M SMILES to store; by default they are written from the molecules: not canonical, and as near
            to the order of the atoms as RDKit writes them.

    Returns:
        The chunk.

    Raises:
        MoleculeError: If one of them cannot be used.
        ValueError: If there are not as many SMILES as molecules.
    """
    if smiles is not None and len(smiles) != len(mols):
        raise ValueError(f"expected one SMILES a molecule, got {len(smiles)} for {len(mols)} molecules")
    for index, mol in enumerate(mols):
        require_mol(mol, f"number {index} of the molecules")
    mols = [apply_hydrogens(mol, hydrogens) for mol in mols]
    graphs = featurize(mols)
    if smiles is None:
        smiles = [Chem.MolToSmiles(mol, canonical=False) for mol in mols]
    return MoleculeChunk(graphs, list(smiles))
