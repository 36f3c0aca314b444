r"""A 3D structure for a molecule that has none."""

import hashlib
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.chem.errors import MoleculeError, require_mol

FRAGMENT_GAP: float = 4.0
r"""Space in Å between the boxes of two fragments: beyond a van der Waals contact, within reach of a distance
basis."""

_NO_3D = "use the molecule as 2D only, or give it coordinates of your own"


def embed_conformer(mol: Chem.Mol, seed: int = 0, timeout: int = 10) -> Chem.Mol:
    r"""One conformer by ETKDGv3 (Wang et al. 2020, doi:10.1021/acs.jcim.0c00025).

    Hydrogens are added for the embedding and taken away after it, so the atoms are those of ``mol``, in its
    order. Where ETKDGv3 fails it is tried once more from random coordinates. Fragments are embedded one by
    one and stand side by side along x, their boxes (hydrogens included) :data:`FRAGMENT_GAP` apart: RDKit
    would lay them on top of each other.

    As long as no attempt runs into ``timeout``, the result follows from the molecule and ``seed`` alone,
    whatever process embeds it, before or after which others. Another version of RDKit may give another
    conformer.

    Args:
        mol: A sanitized molecule; it is not modified.
        seed: Seed of the user; each molecule has its own, derived from it (:func:`molecule_seed`).
        timeout: Seconds that each attempt at each fragment may take. RDKit looks at the clock only now and
            then: a large molecule can take some times longer.

    Returns:
        A copy of the molecule with this conformer, in Å, and no other.

    Raises:
        MoleculeError: If there are no atoms or no conformer is found, with RDKit's causes.
        ValueError: If ``timeout`` is not positive.
    """
    if timeout <= 0:
        raise ValueError(f"timeout must be a positive number of seconds, got {timeout}")
    require_mol(mol, repr(mol))
    result = Chem.Mol(mol)
    result.RemoveAllConformers()
    name = Chem.MolToSmiles(result)
    own_seed = molecule_seed(result, seed)
    whole = Chem.AddHs(result)  # the hydrogens come after all other atoms
    structure = np.empty((whole.GetNumAtoms(), 3))
    atoms_of: list[tuple[int, ...]] = []
    fragments = Chem.GetMolFrags(whole, asMols=True, fragsMolAtomMapping=atoms_of)
    left = 0.0
    for fragment, atoms in zip(fragments, atoms_of, strict=True):
        positions = _embed_fragment(fragment, own_seed, timeout, name)  # [atoms, 3]
        if len(atoms_of) > 1:
            positions[:, 0] += left - positions[:, 0].min()
            left = positions[:, 0].max() + FRAGMENT_GAP
        structure[list(atoms)] = positions

    conformer = Chem.Conformer(result.GetNumAtoms())
    conformer.Set3D(True)
    conformer.SetPositions(structure[: result.GetNumAtoms()])
    result.AddConformer(conformer, assignId=True)
    return result


def molecule_seed(mol: Chem.Mol, seed: int) -> int:
    r"""Seed of one molecule: a hash of the user's seed and the canonical SMILES.

    Args:
        mol: The molecule.
        seed: Seed of the user.

    Returns:
        An integer that RDKit takes as a seed, 1 to 2³¹ − 1; the same on every machine.
    """
    text = f"{seed} {Chem.MolToSmiles(mol)}".encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return 1 + int.from_bytes(digest, "big") % (2**31 - 1)


def _embed_fragment(fragment: Chem.Mol, seed: int, timeout: int, name: str) -> np.ndarray:
    causes = []
    for use_random_coords in (False, True):
        params: Any = rdDistGeom.ETKDGv3()
        params.randomSeed = seed
        params.timeout = timeout
        params.trackFailures = True
        params.useRandomCoords = use_random_coords
        try:
            if rdDistGeom.EmbedMolecule(fragment, params) >= 0:
                return np.array(fragment.GetConformer().GetPositions())
            cause = _cause(params)
        except (RuntimeError, ValueError) as error:
            cause = f"{type(error).__name__} {' '.join(str(error).split())}"
        causes.append(f"{'from random coordinates' if use_random_coords else 'ETKDGv3'}: {cause}")
    raise MoleculeError(name, f"no conformer was found ({'; '.join(causes)})", _NO_3D)


def _cause(params: Any) -> str:
    counts = params.GetFailureCounts()
    names = rdDistGeom.EmbedFailureCauses.values
    return ", ".join(f"{names[i]} {count}×" for i, count in enumerate(counts) if count) or "no cause given"
