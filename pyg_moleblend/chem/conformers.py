r"""3D structures for a molecule that has none."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.etkdg import generate_fragment, optimize_fragment

FRAGMENT_GAP: float = 4.0
r"""Space in Å between the boxes of two fragments: beyond a van der Waals contact, within reach of a distance
basis."""

Method = Literal["ETKDGv3", "random coordinates", "none"]

RUNGS: tuple[Method, ...] = ("ETKDGv3", "random coordinates", "none")
r"""The ladder: each method is tried where the one before it found nothing."""

_NO_3D = "use the molecule as 2D only, or give it coordinates of your own"


@dataclass(frozen=True)
class Conformers:
    r"""Which conformers a molecule is to have. The ``repr`` and :meth:`to_dict` say everything, for keys of caches.

    Args:
        seed: Seed of the user; each molecule has its own, derived from it (:func:`molecule_seed`). (default: :obj:`0`)
        count: Conformers a molecule, K. (default: :obj:`1`)
        optimize: Whether they are relaxed by MMFF94; a molecule that it has no parameters for keeps ETKDGv3's.
            (default: :obj:`False`)
        deadline: Seconds that each attempt at a molecule may take. In a worker process this is hard, the process is
            killed; in one's own RDKit looks at the clock only now and then. (default: :obj:`10.0`)

    Raises:
        ValueError: If the number is below 1 or the deadline not positive.
    """

    seed: int = 0
    count: int = 1
    optimize: bool = False
    deadline: float = 10.0

    def __post_init__(self) -> None:
        if type(self.seed) is not int or type(self.count) is not int:
            raise ValueError(f"`seed` and `count` must be whole numbers, got {self.seed!r} and {self.count!r}")
        if self.count < 1:
            raise ValueError(f"`count` must be at least 1 conformer, got {self.count}")
        if not isinstance(self.deadline, (int, float)) or not self.deadline > 0:
            raise ValueError(f"`deadline` must be a positive number of seconds, got {self.deadline}")

    def to_dict(self) -> dict[str, Any]:
        r"""The settings as JSON values."""
        return asdict(self)


class ConformerResult(NamedTuple):
    r"""The conformers of a molecule.

    Attributes:
        positions: Coordinates in Å, ``[K, N, 3]`` float32; those that were found first, NaN for the others.
        method: How they were found.
        cause: Why not by what was asked for; empty if they were.
    """

    positions: NDArray[np.float32]
    method: Method
    cause: str


def generate_conformers(mol: Chem.Mol, settings: Conformers, rung: int = 0) -> ConformerResult:
    r"""Conformers by ETKDGv3 (Wang et al. 2020, doi:10.1021/acs.jcim.0c00025), or else from random coordinates.

    Hydrogens are added for it and taken away after it, so the atoms are those of ``mol``, in its order.
    Fragments are generated one by one and stand side by side along x, their boxes (hydrogens included)
    :data:`FRAGMENT_GAP` apart: RDKit would lay them on top of each other.

    As long as no attempt runs into the deadline, the result follows from the molecule and the settings alone,
    whatever process works on it, before or after which others, and the first of K conformers is that of ``count=1``.
    Another version of RDKit may give others.

    Args:
        mol: A sanitized molecule; it is not modified.
        settings: What is wanted.
        rung: The first method to try, by its place in :data:`RUNGS`: above 0 where the methods before it ended their
            process or ran past the deadline. (default: :obj:`0`)

    Raises:
        MoleculeError: If there are no atoms.
        ValueError: If there is no such rung.
    """
    found = generate_with_hydrogens(mol, settings, rung)
    return found._replace(positions=np.ascontiguousarray(found.positions[:, : mol.GetNumAtoms()]))


def generate_with_hydrogens(mol: Chem.Mol, settings: Conformers, rung: int = 0) -> ConformerResult:
    r"""The conformers of :func:`generate_conformers`, with the hydrogens that were added for them.

    Args:
        mol: A sanitized molecule; it is not modified.
        settings: What is wanted.
        rung: The first method to try.

    Returns:
        The conformers; the hydrogens come after the atoms of ``mol``, as in ``Chem.AddHs(mol)``.
    """
    if not 0 <= rung < len(RUNGS):
        raise ValueError(f"`rung` must be 0 to {len(RUNGS) - 1}, got {rung}")
    require_mol(mol, repr(mol))
    stopped = f"ended by the deadline of {settings.deadline:g} s, or a crash"
    causes = [f"{_name(method)}: {stopped}" for method in RUNGS[:rung]]
    for method in RUNGS[rung:-1]:
        positions, cause = _generate(mol, settings, method)
        if cause:
            causes.append(f"{_name(method)}: {cause}")
        if positions is not None:
            return ConformerResult(positions, method, "; ".join(causes))
    nothing = np.full((settings.count, Chem.AddHs(mol).GetNumAtoms(), 3), np.nan, dtype=np.float32)
    return ConformerResult(nothing, "none", f"no conformer was found ({'; '.join(causes)})")


def generate_conformer(mol: Chem.Mol, seed: int = 0, deadline: float = 10.0) -> Chem.Mol:
    r"""One conformer, as :func:`generate_conformers` finds it.

    Args:
        mol: A sanitized molecule; it is not modified.
        seed: Seed of the user. (default: :obj:`0`)
        deadline: Seconds that each attempt may take; a large molecule can take some times longer.
            (default: :obj:`10.0`)

    Returns:
        A copy of the molecule with this conformer, in Å, and no other.

    Raises:
        MoleculeError: If there are no atoms or no conformer is found, with RDKit's causes.
        ValueError: If ``deadline`` is not positive.
    """
    found = generate_conformers(mol, Conformers(seed, deadline=deadline))
    if found.method == "none":
        raise MoleculeError(Chem.MolToSmiles(mol), found.cause, _NO_3D)
    result = Chem.Mol(mol)
    result.RemoveAllConformers()
    conformer = Chem.Conformer(result.GetNumAtoms())
    conformer.Set3D(True)
    conformer.SetPositions(found.positions[0].astype(np.float64))
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


def _generate(mol: Chem.Mol, settings: Conformers, method: Method) -> tuple[NDArray[np.float32] | None, str]:
    bare = Chem.Mol(mol)
    bare.RemoveAllConformers()
    whole = Chem.AddHs(bare)  # the hydrogens come after all other atoms
    seed = molecule_seed(bare, settings.seed)
    structure = np.full((settings.count, whole.GetNumAtoms(), 3), np.nan)
    left = np.zeros((settings.count, 1))
    atoms_of: list[tuple[int, ...]] = []
    causes: dict[str, None] = {}  # in order, each once
    for fragment, atoms in zip(
        Chem.GetMolFrags(whole, asMols=True, fragsMolAtomMapping=atoms_of), atoms_of, strict=True
    ):
        found = generate_fragment(fragment, settings.count, seed, settings.deadline, method != "ETKDGv3")
        if found.cause:
            causes[found.cause] = None
        if not len(found.positions):
            return None, ", ".join(causes)
        positions = found.positions  # [C, atoms, 3]
        if settings.optimize:
            positions, cause = optimize_fragment(fragment)
            if cause:
                causes[cause] = None
        number = len(positions)
        if len(atoms_of) > 1:
            positions[:, :, 0] += left[:number] - positions[:, :, 0].min(1, keepdims=True)
            left[:number] = positions[:, :, 0].max(1, keepdims=True) + FRAGMENT_GAP
        structure[:number, list(atoms)] = positions
    pos = structure.astype(np.float32)
    pos[np.isnan(pos).any(axis=(1, 2))] = np.nan  # some fragment is missing
    return pos, ", ".join(causes)


def _name(method: Method) -> str:
    return "from random coordinates" if method == "random coordinates" else method
