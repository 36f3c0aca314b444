r"""What tells whether two molecules are the same, the same but for the salt, or of one scaffold."""

from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, SilencedLog
from pyg_moleblend.chem.scaffold import murcko_scaffold

# In molecules of these alone no bond is that of a salt: H, B, C, N, O, F, Si, P, S, Cl, Se, Br, I.
_COVALENT = frozenset((1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53))


class Identity(NamedTuple):
    r"""Names of a molecule: equal names, equal molecules.

    Attributes:
        smiles: RDKit's canonical SMILES.
        key: InChIKey; the canonical SMILES where InChI has none, as with dummy atoms. Tautomers that differ in mobile
            hydrogens have one.
        parent: Key of the parent: the largest fragment, its metals cut off and its charges neutralised where
            hydrogens can do it (RDKit's ``ChargeParent``). Salts of one molecule have one.
        scaffold: SMILES of the Bemis-Murcko scaffold with chirality; empty where there is no ring.
        num_fragments: Fragments that no bond connects.
    """

    smiles: str
    key: str
    parent: str
    scaffold: str
    num_fragments: int

    @property
    def has_inchi(self) -> bool:
        r"""Whether :attr:`key` is an InChIKey."""
        return self.key != self.smiles

    @property
    def skeleton(self) -> str:
        r"""Key of the parent without stereochemistry and isotopes, which stereoisomers have in common."""
        return _without_stereo(self.parent)


def identify(mol: Chem.Mol) -> Identity:
    r"""The names of a molecule.

    Args:
        mol: A sanitized molecule; it is not modified.

    Raises:
        MoleculeError: If there are no atoms, or RDKit fails on it.
    """
    require_mol(mol, repr(mol))
    with LOG_LOCK, SilencedLog():
        try:
            smiles = Chem.MolToSmiles(mol)
            fragments = len(Chem.GetMolFrags(mol))
            scaffold = murcko_scaffold(mol, chirality=True)
            return Identity(smiles, _key(mol), _key(_parent(mol, fragments)), scaffold, fragments)
        except (RuntimeError, ValueError) as error:
            raise _failure(mol, error) from error


def skeleton(mol: Chem.Mol) -> str:
    r""":attr:`Identity.skeleton` alone, in about a third of the time that all names take.

    Args:
        mol: A sanitized molecule; it is not modified.

    Raises:
        MoleculeError: If there are no atoms, or RDKit fails on it.
    """
    require_mol(mol, repr(mol))
    with LOG_LOCK, SilencedLog():
        try:
            return _without_stereo(_key(_parent(mol, len(Chem.GetMolFrags(mol)))))
        except (RuntimeError, ValueError) as error:
            raise _failure(mol, error) from error


def _parent(mol: Chem.Mol, fragments: int) -> Chem.Mol:
    return mol if fragments == 1 and _is_neutral_covalent(mol) else rdMolStandardize.ChargeParent(mol)


def _without_stereo(key: str) -> str:
    block, *rest = key.split("-")
    return block if len(block) == 14 and len(rest) == 2 else key


def _failure(mol: Chem.Mol, error: Exception) -> MoleculeError:
    name = f"molecule with {mol.GetNumAtoms()} atoms"
    reason = f"RDKit fails to identify it: {' '.join(str(error).split())}"
    return MoleculeError(name, reason, "compare it by hand")


def _is_neutral_covalent(mol: Chem.Mol) -> bool:
    # Their own parents: standardising costs several times the rest.
    return all(atom.GetFormalCharge() == 0 and atom.GetAtomicNum() in _COVALENT for atom in mol.GetAtoms())


def _key(mol: Chem.Mol) -> str:
    return Chem.MolToInchiKey(mol) or Chem.MolToSmiles(mol)
