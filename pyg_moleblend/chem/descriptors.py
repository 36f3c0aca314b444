r"""Numbers that RDKit computes of a molecule: its descriptors, and fingerprints of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem.parse import parse_smiles
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, SilencedLog

FINGERPRINTS: tuple[str, ...] = ("morgan", "atom_pair", "torsion", "path")
r"""Kinds of fingerprints, see :func:`fingerprint_matrix`."""

_UNUSABLE = ("Ipc",)  # grows beyond any float with the molecule's size


@lru_cache
def descriptor_functions() -> dict[str, Callable[[Chem.Mol], float]]:
    r"""RDKit's 2D descriptors by name, in RDKit's order."""
    from rdkit.Chem import Descriptors  # 0.3 s, for those who ask

    return {name: function for name, function in Descriptors._descList if name not in _UNUSABLE}


def descriptor_names() -> list[str]:
    r"""Names of the columns of :func:`descriptor_matrix`."""
    return list(descriptor_functions())


def descriptor_matrix(molecules: Iterable[Chem.Mol | str]) -> NDArray[np.float32]:
    r"""RDKit's 2D descriptors, without ``Ipc``, of M molecules; some 8 ms each.

    Args:
        molecules: Molecules, or SMILES.

    Returns:
        ``[M, D]`` float32; NaN where RDKit has no number, or one that float32 cannot hold.

    Raises:
        MoleculeError: If a SMILES cannot be read.
    """
    functions = descriptor_functions().values()
    rows = []
    with np.errstate(over="ignore"):
        for mol in _molecules(molecules):
            with LOG_LOCK, SilencedLog():
                rows.append([_value(function, mol) for function in functions])
        values = np.array(rows, dtype=np.float64).reshape(-1, len(functions)).astype(np.float32)
    return np.where(np.isfinite(values), values, np.float32(np.nan))


def fingerprint_matrix(
    molecules: Iterable[Chem.Mol | str], kind: str = "morgan", size: int = 2048, radius: int = 2
) -> NDArray[np.uint8]:
    r"""A fingerprint's bits of M molecules, packed into bytes.

    Args:
        molecules: Molecules, or SMILES.
        kind: ``"morgan"`` (ECFP; Rogers and Hahn 2010, doi 10.1021/ci100050t), ``"atom_pair"`` (Carhart et al. 1985),
            ``"torsion"`` (topological torsions; Nilakantan et al. 1987) or ``"path"`` (RDKit's own).
        size: Number of bits.
        radius: Of Morgan environments.

    Returns:
        ``[M, ceil(size / 8)]`` uint8, the highest bit of a byte first: ``numpy.unpackbits`` gives the bits.

    Raises:
        ValueError: If the kind is none of these, or the size not positive.
        MoleculeError: If a SMILES cannot be read.
    """
    generator = _generator(kind, size, radius)
    bits = [generator.GetFingerprintAsNumPy(mol) for mol in _molecules(molecules)]
    return np.packbits(np.array(bits, dtype=np.uint8).reshape(-1, size), axis=1)


def fingerprint_counts(
    molecules: Iterable[Chem.Mol | str], kind: str = "morgan", size: int = 2048, radius: int = 2
) -> NDArray[np.uint16]:
    r"""How often each feature of a fingerprint occurs, ``[M, size]`` uint16; arguments as for
    :func:`fingerprint_matrix`."""
    generator = _generator(kind, size, radius)
    counts = [generator.GetCountFingerprintAsNumPy(mol) for mol in _molecules(molecules)]
    return np.array(counts, dtype=np.int64).reshape(-1, size).clip(max=np.iinfo(np.uint16).max).astype(np.uint16)


@lru_cache
def _generator(kind: str, size: int, radius: int) -> Any:
    from rdkit.Chem import rdFingerprintGenerator

    if size < 1:
        raise ValueError(f"`size` must be a positive number of bits, got {size}")
    makers: dict[str, Callable[[], Any]] = {
        "morgan": lambda: rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=size),
        "atom_pair": lambda: rdFingerprintGenerator.GetAtomPairGenerator(fpSize=size),
        "torsion": lambda: rdFingerprintGenerator.GetTopologicalTorsionGenerator(fpSize=size),
        "path": lambda: rdFingerprintGenerator.GetRDKitFPGenerator(fpSize=size),
    }
    if kind not in makers:
        raise ValueError(f"`kind` must be one of {FINGERPRINTS}, got {kind!r}")
    return makers[kind]()


def _molecules(molecules: Iterable[Chem.Mol | str]) -> Iterable[Chem.Mol]:
    return (parse_smiles(entry) if isinstance(entry, str) else entry for entry in molecules)


def _value(function: Callable[[Chem.Mol], float], mol: Chem.Mol) -> float:
    try:
        return float(function(mol))
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return np.nan  # RDKit's functions fail on odd atoms in as many ways


def check_fingerprints(kinds: Sequence[str]) -> tuple[str, ...]:
    r"""The kinds, if they are :data:`FINGERPRINTS`."""
    if unknown := [kind for kind in kinds if kind not in FINGERPRINTS]:
        raise ValueError(f"`fingerprints` must be among {FINGERPRINTS}, got {unknown}")
    return tuple(kinds)
