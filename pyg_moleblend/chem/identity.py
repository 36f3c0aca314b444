r"""The names of molecules: which are the same, the same but for the salt, or of one scaffold."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
from tqdm import tqdm

from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.parse import parse_smiles
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, SilencedLog
from pyg_moleblend.runtime.worker_pool import Started, in_chunks, map_chunks

IDENTITY_CHUNK_SIZE = 256

FEW, SHORT = 1000, 200
r"""So many molecules, all of SMILES of so many characters at most, are named in this process: that takes about a
second, as long as a worker takes to start, and what a deadline is for is longer."""

# In molecules of these alone no bond is that of a salt: H, B, C, N, O, F, Si, P, S, Cl, Se, Br, I.
_COVALENT = frozenset((1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53))

_NITRO = Chem.MolFromSmarts("[#6,#7,#8;+0][N+](=O)[O-]")  # not the nitrate ion


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
            key, parent = _key(mol), _parent(mol, fragments)
            return Identity(smiles, key, key if parent is mol else _key(parent), scaffold, fragments)
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


def identify_all(
    smiles: Sequence[str], num_workers: int = 0, deadline: float = 10.0, progress: str | None = None
) -> list[Identity | MoleculeError]:
    r"""The names of each molecule, or why it has none.

    Args:
        smiles: The molecules.
        num_workers: Worker processes; 0 works in this one, without a deadline, and so do all where the molecules are
            few and short (:data:`FEW`, :data:`SHORT`). (default: :obj:`0`)
        deadline: Seconds that a molecule may take; after them its worker is killed. InChI does not end on some
            molecules. (default: :obj:`10.0`)
        progress: Label of a progress bar; none by default.

    Returns:
        One entry a molecule, in their order.

    Raises:
        ValueError: If the number of workers is negative or the deadline not positive.
    """
    if len(smiles) <= FEW and max(map(len, smiles), default=0) <= SHORT:
        num_workers = min(num_workers, 0)
    function = partial(_identify_chunk, deadline=deadline)
    found: list[Identity | MoleculeError] = []
    with tqdm(total=len(smiles), desc=progress, disable=progress is None, unit="mol") as bar:
        for chunk in map_chunks(function, in_chunks(smiles, IDENTITY_CHUNK_SIZE), num_workers, deadline):
            found += chunk
            bar.update(len(chunk))
    return found


def _is_neutral_covalent(mol: Chem.Mol) -> bool:
    # Their own parents: standardising costs several times the rest.
    charged = {atom.GetIdx() for atom in mol.GetAtoms() if atom.GetFormalCharge()}
    if charged:  # those of a nitro group are a way of writing it
        charged -= {place for match in mol.GetSubstructMatches(_NITRO) for place in match}
    return not charged and all(atom.GetAtomicNum() in _COVALENT for atom in mol.GetAtoms())


def _key(mol: Chem.Mol) -> str:
    return Chem.MolToInchiKey(mol) or Chem.MolToSmiles(mol)


def _identify_chunk(
    smiles: Sequence[str], kills: Sequence[int], started: Started, deadline: float
) -> list[Identity | MoleculeError]:
    found: list[Identity | MoleculeError] = []
    for number, (text, killed) in enumerate(zip(smiles, kills, strict=True)):
        started(number)
        if killed:
            reason = f"naming it took longer than {deadline:g} s, or ended its process"
            found.append(MoleculeError(text, reason, "compare it by hand"))
            continue
        try:
            found.append(identify(parse_smiles(text)))
        except MoleculeError as error:
            found.append(MoleculeError(text, error.reason, error.remedy))
    return found
