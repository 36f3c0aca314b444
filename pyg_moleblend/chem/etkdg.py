r"""Conformers of one connected molecule by RDKit, and why there are none."""

from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

MMFF_STEPS = 1000

_NO_CAUSE = "no cause given"


class FragmentConformers(NamedTuple):
    r"""What RDKit found.

    Attributes:
        positions: Coordinates in Å of the C conformers that were found, ``[C, N, 3]`` float64; C may be 0.
        cause: RDKit's causes for those that were not; empty if none is missing.
    """

    positions: np.ndarray
    cause: str


def generate_fragment(fragment: Chem.Mol, count: int, seed: int, deadline: float, random: bool) -> FragmentConformers:
    r"""Up to ``count`` conformers by ETKDGv3 (Wang et al. 2020, doi:10.1021/acs.jcim.0c00025).

    Args:
        fragment: A connected, sanitized molecule with all its hydrogens; it is given the conformers.
        count: Number of conformers wanted.
        seed: RDKit's seed.
        deadline: Seconds after which RDKit gives up; it looks at the clock only now and then.
        random: Whether to start from random coordinates, which finds conformers where distance geometry does not.

    Raises:
        KeyboardInterrupt: If the search was interrupted.
    """
    found = _embed(fragment, count, seed, deadline, random)
    if (
        not len(found.positions)
        and found.cause == _NO_CAUSE
        and len(_embed(fragment, count, seed, deadline, random)[0])
    ):
        raise KeyboardInterrupt  # RDKit has taken the signal for its own, ended the search, and told nobody
    return found


def _embed(fragment: Chem.Mol, count: int, seed: int, deadline: float, random: bool) -> FragmentConformers:
    params: Any = rdDistGeom.ETKDGv3()
    params.randomSeed = seed
    params.timeout = max(1, round(deadline))
    params.trackFailures = True
    params.useRandomCoords = random
    try:
        rdDistGeom.EmbedMultipleConfs(fragment, count, params)
    except (RuntimeError, ValueError) as error:
        return FragmentConformers(np.empty((0, fragment.GetNumAtoms(), 3)), _one_line(error))
    positions = [conformer.GetPositions() for conformer in fragment.GetConformers()]
    cause = "" if len(positions) == count else _cause(params)
    return FragmentConformers(np.array(positions).reshape(-1, fragment.GetNumAtoms(), 3), cause)


def optimize_fragment(fragment: Chem.Mol) -> FragmentConformers:
    r"""The conformers of a molecule after relaxation by MMFF94 (Halgren 1996).

    Args:
        fragment: A molecule with conformers and all its hydrogens; it is not modified.

    Returns:
        The relaxed conformers, or where MMFF94 cannot relax them, the given ones and why.
    """
    given = np.array([conformer.GetPositions() for conformer in fragment.GetConformers()])
    if fragment.GetNumAtoms() == 1:
        return FragmentConformers(given, "")
    try:
        if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(fragment):
            return FragmentConformers(given, "MMFF94 has no parameters for it")
        relaxed = Chem.Mol(fragment)
        results = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(relaxed, maxIters=MMFF_STEPS)
    except (RuntimeError, ValueError) as error:
        return FragmentConformers(given, f"MMFF94: {_one_line(error)}")
    if any(state < 0 for state, _ in results):
        return FragmentConformers(given, "MMFF94 could not be set up")
    going = sum(state > 0 for state, _ in results)
    cause = f"MMFF94 did not converge in {MMFF_STEPS} steps for {going} of {len(results)} conformers" if going else ""
    return FragmentConformers(np.array([conformer.GetPositions() for conformer in relaxed.GetConformers()]), cause)


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__} {' '.join(str(error).split())}"


def _cause(params: Any) -> str:
    counts = params.GetFailureCounts()
    names = rdDistGeom.EmbedFailureCauses.values
    return ", ".join(f"{names[i]} {count}×" for i, count in enumerate(counts) if count) or _NO_CAUSE
