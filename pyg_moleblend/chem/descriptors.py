r"""Numbers that RDKit computes of a molecule: its descriptors, and fingerprints of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from tqdm import tqdm

from pyg_moleblend.chem.parse import parse_smiles
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, SilencedLog
from pyg_moleblend.runtime.worker_pool import Started, in_chunks, map_chunks

FINGERPRINTS: tuple[str, ...] = ("morgan", "atom_pair", "torsion", "path")
r"""Kinds of fingerprints, see :func:`fingerprint_matrix`."""

CHUNK_SIZE = 64

_UNUSABLE = ("Ipc",)  # grows beyond any float with the molecule's size
_SLOW = {"AvgIpc": 250}
r"""Most atoms of a molecule of which a descriptor is computed: its time grows with a high power of them."""


@lru_cache
def descriptor_functions() -> dict[str, Callable[[Chem.Mol], float]]:
    r"""RDKit's 2D descriptors by name, in RDKit's order."""
    from rdkit.Chem import Descriptors  # 0.3 s, for those who ask

    return {name: function for name, function in Descriptors.descList if name not in _UNUSABLE}


def descriptor_names() -> list[str]:
    r"""Names of the columns of :func:`descriptor_matrix`."""
    return list(descriptor_functions())


def check_descriptors(names: Iterable[str]) -> tuple[str, ...]:
    r"""The names, if they are among :func:`descriptor_names`."""
    names = tuple(names)
    if unknown := [name for name in names if name not in descriptor_functions()]:
        raise ValueError(f"RDKit {rdBase.rdkitVersion} has no descriptors {unknown[:8]}; see descriptor_names()")
    return names


def descriptor_matrix(
    molecules: Iterable[Chem.Mol | str],
    names: Iterable[str] | None = None,
    num_workers: int = 0,
    deadline: float = 60.0,
    progress: str | None = None,
) -> NDArray[np.float32]:
    r"""RDKit's 2D descriptors of M molecules; all of them take some 8 ms a molecule.

    Args:
        molecules: Molecules, or SMILES.
        names: Which descriptors, in the order of the columns; those of :func:`descriptor_names` by default.
        num_workers: Worker processes; 0 works in this one, without a deadline. (default: :obj:`0`)
        deadline: Seconds that a molecule may take; after them its worker is killed, and its row is NaN.
            (default: :obj:`60.0`)
        progress: Label of a progress bar; none by default.

    Returns:
        ``[M, D]`` float32; NaN where RDKit has no number, or one that float32 cannot hold.

    Raises:
        MoleculeError: If a SMILES cannot be read.
        ValueError: If RDKit has no such descriptor, the number of workers is negative or the deadline not positive.
    """
    molecules = list(molecules)
    names = tuple(descriptor_functions()) if names is None else check_descriptors(names)
    matrix, done = np.empty((len(molecules), len(names)), dtype=np.float32), 0
    with tqdm(total=len(molecules), desc=progress, disable=progress is None, unit="mol") as bar:
        chunks = in_chunks(molecules, CHUNK_SIZE)
        for rows in map_chunks(partial(_chunk, names=names), chunks, num_workers, deadline):
            matrix[done : done + len(rows)] = rows
            done += len(rows)
            bar.update(len(rows))
    return matrix


def fingerprint_matrix(
    molecules: Iterable[Chem.Mol | str], kind: str = "morgan", size: int = 2048, radius: int = 2
) -> NDArray[np.uint8]:
    r"""A fingerprint's bits of M molecules, packed into bytes.

    Args:
        molecules: Molecules, or SMILES.
        kind: ``"morgan"`` (ECFP; Rogers and Hahn 2010, doi 10.1021/ci100050t), ``"atom_pair"`` (Carhart et al. 1985),
            ``"torsion"`` (topological torsions; Nilakantan et al. 1987) or ``"path"`` (RDKit's own).
            (default: :obj:`"morgan"`)
        size: Number of bits. (default: :obj:`2048`)
        radius: Of Morgan environments. (default: :obj:`2`)

    Returns:
        ``[M, ceil(size / 8)]`` uint8, the highest bit of a byte first: ``numpy.unpackbits`` gives the bits.

    Raises:
        ValueError: If the kind is none of these, or the size not positive.
        MoleculeError: If a SMILES cannot be read.
    """
    generator = _generator(kind, size, radius)
    bits = [generator.GetFingerprintAsNumPy(_molecule(entry)) for entry in molecules]
    return np.packbits(np.array(bits, dtype=np.uint8).reshape(-1, size), axis=1)


def fingerprint_counts(
    molecules: Iterable[Chem.Mol | str], kind: str = "morgan", size: int = 2048, radius: int = 2
) -> NDArray[np.uint16]:
    r"""How often each feature of a fingerprint occurs, ``[M, size]`` uint16; arguments as for
    :func:`fingerprint_matrix`."""
    generator = _generator(kind, size, radius)
    counts = [generator.GetCountFingerprintAsNumPy(_molecule(entry)) for entry in molecules]
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


def _molecule(entry: Chem.Mol | str) -> Chem.Mol:
    return parse_smiles(entry) if isinstance(entry, str) else entry


def _chunk(
    molecules: Sequence[Chem.Mol | str], kills: Sequence[int], started: Started, names: tuple[str, ...]
) -> NDArray[np.float32]:
    functions = [descriptor_functions()[name] for name in names]
    values = np.full((len(molecules), len(names)), np.nan)
    for number, (entry, killed) in enumerate(zip(molecules, kills, strict=True)):
        started(number)
        if not killed:
            mol = Chem.Mol(_molecule(entry))  # RDKit leaves intermediate results on it, as properties
            with LOG_LOCK, SilencedLog():
                atoms = mol.GetNumAtoms()
                values[number] = [
                    value_or_nan(function, mol) if atoms <= _SLOW.get(name, atoms) else np.nan
                    for name, function in zip(names, functions, strict=True)
                ]
    values[~(np.abs(values) <= np.finfo(np.float32).max)] = np.nan
    return values.astype(np.float32)


def value_or_nan(function: Callable[[Chem.Mol], float], mol: Chem.Mol) -> float:
    try:
        return float(function(mol))
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return np.nan  # RDKit's functions fail on odd atoms in as many ways


def check_fingerprints(kinds: Sequence[str]) -> tuple[str, ...]:
    r"""The kinds, if they are :data:`FINGERPRINTS`."""
    if unknown := [kind for kind in kinds if kind not in FINGERPRINTS]:
        raise ValueError(f"`fingerprints` must be among {FINGERPRINTS}, got {unknown}")
    return tuple(kinds)
