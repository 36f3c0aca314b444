r"""Numbers that RDKit gives for SMILES: descriptors and counts of fingerprints, in chunks, over processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors, rdReducedGraphs
from scipy import sparse

from pyg_moleblend.chem import MoleculeError, parse_smiles
from pyg_moleblend.chem.descriptors import descriptor_matrix, descriptor_names
from pyg_moleblend.datasets.io.reading import Failure
from pyg_moleblend.runtime.worker_pool import Started, in_chunks, map_chunks

FINGERPRINT_SIZE = 4096
r"""Every hashed fingerprint is folded to so many counts; MACCS keys and the reduced graph have sizes of their own."""

CHUNK = 64
POOL_PAYS = 512
r"""Fewer molecules are computed in this process: a worker takes seconds to start."""

DEADLINE = 60.0
r"""Seconds that a molecule may take where worker processes compute; it is given up then."""

DESCRIPTOR_NAMES = tuple(descriptor_names())
r"""The descriptors of this version of RDKit."""


def _generators() -> dict[str, Callable[[Chem.Mol], Any]]:
    size = FINGERPRINT_SIZE
    classes = rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
    hashed = {
        "morgan": rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=size),
        "atom_pairs": rdFingerprintGenerator.GetAtomPairGenerator(fpSize=size),
        "torsions": rdFingerprintGenerator.GetTopologicalTorsionGenerator(fpSize=size),
        "paths": rdFingerprintGenerator.GetRDKitFPGenerator(fpSize=size),
        "feature_morgan": rdFingerprintGenerator.GetMorganGenerator(
            radius=2, fpSize=size, atomInvariantsGenerator=classes
        ),
        "feature_atom_pairs": rdFingerprintGenerator.GetAtomPairGenerator(fpSize=size, atomInvariantsGenerator=classes),
    }
    return {name: generator.GetCountFingerprint for name, generator in hashed.items()}


def _reduced_graph(mol: Chem.Mol) -> dict[int, int]:
    r"""Counts of ErG in tenths: a pair counts 1 at its distance, and 0.3 at those next to it."""
    values = np.rint(10 * rdReducedGraphs.GetErGFingerprint(mol)).astype(np.int64)
    return {int(column): int(values[column]) for column in np.flatnonzero(values)}


_GENERATORS = _generators()
_OTHERS: dict[str, tuple[int, Callable[[Chem.Mol], dict[int, int]]]] = {
    "maccs": (167, lambda mol: dict.fromkeys(rdMolDescriptors.GetMACCSKeysFingerprint(mol).GetOnBits(), 1)),
    "reduced_graph": (315, _reduced_graph),
}
FINGERPRINTS = (*_GENERATORS, *_OTHERS)
r"""Names of the fingerprints: Morgan of radius 2 (ECFP4), atom pairs, topological torsions, RDKit's paths of up to 7
bonds, Morgan (FCFP4) and atom pairs on pharmacophoric classes of atoms, MACCS keys, and the pairs of pharmacophoric
groups of the reduced graph (ErG; Stiefl et al. 2006, doi:10.1021/ci050457y)."""


class Features(NamedTuple):
    r"""What is known of M molecules.

    Attributes:
        descriptors: ``[M, D]`` float32, NaN where RDKit gives no number.
        counts: By fingerprint, how often each of its patterns occurs, ``[M, size]`` sparse float32.
        failures: The rows that hold no molecule; their numbers are NaN and 0.
    """

    descriptors: NDArray[np.float32]
    counts: dict[str, sparse.csr_array]
    failures: list[Failure]

    @property
    def is_molecule(self) -> NDArray[np.bool_]:
        r"""Which rows hold a molecule, ``[M]``."""
        known = np.ones(len(self.descriptors), dtype=bool)
        known[[failure.row for failure in self.failures]] = False
        return known

    def take(self, rows: NDArray[np.int64]) -> Features:
        r"""The features of some rows that hold molecules."""
        return Features(self.descriptors[rows], {name: c[rows] for name, c in self.counts.items()}, [])


def features_of(
    smiles: Sequence[str],
    descriptors: bool = True,
    fingerprints: Sequence[str] = FINGERPRINTS,
    num_workers: int = 0,
) -> Features:
    r"""Computes descriptors and fingerprints.

    Args:
        smiles: M SMILES; one that is no molecule is a failure with its reason, and stops nothing.
        descriptors: Whether to compute them; ``[M, 0]`` otherwise.
        fingerprints: Which ones, of :data:`FINGERPRINTS`.
        num_workers: Processes; 0 is this one, and so are any for fewer than 512 molecules. A molecule that takes a
            process more than a minute is a failure.

    Raises:
        ValueError: If a fingerprint is unknown.
    """
    if unknown := [name for name in fingerprints if name not in FINGERPRINTS]:
        raise ValueError(f"`fingerprints` must be among {FINGERPRINTS}, got {unknown}")
    work = _Work(descriptors, tuple(fingerprints))
    workers = num_workers if len(smiles) >= POOL_PAYS else 0
    found = list(map_chunks(work, in_chunks(smiles, CHUNK), workers, DEADLINE))
    failures = [
        failure._replace(row=failure.row + number * CHUNK)
        for number, part in enumerate(found)
        for failure in part.failures
    ]
    empty = work([], [], _ignore)
    values = np.concatenate([empty.descriptors, *(part.descriptors for part in found)])
    counts = {name: sparse.csr_array(sparse.vstack([f.counts[name] for f in (empty, *found)])) for name in fingerprints}
    return Features(values, counts, failures)


def fingerprint_matrix(mols: Sequence[Chem.Mol], name: str) -> sparse.csr_array:
    r"""Counts of one fingerprint's patterns, ``[M, size]`` sparse float32.

    Args:
        mols: M molecules.
        name: One of :data:`FINGERPRINTS`.
    """
    size = fingerprint_size(name)
    ends, columns, values = [0], [], []
    for mol in mols:
        found = _OTHERS[name][1](mol) if name in _OTHERS else _GENERATORS[name](mol).GetNonzeroElements()
        columns += sorted(found)
        values += [found[column] for column in sorted(found)]
        ends.append(len(columns))
    data = np.array(values, dtype=np.float32), np.array(columns, dtype=np.int32), np.array(ends, dtype=np.int32)
    return sparse.csr_array(data, shape=(len(mols), size))


def fingerprint_size(name: str) -> int:
    r"""Number of a fingerprint's patterns."""
    return _OTHERS[name][0] if name in _OTHERS else FINGERPRINT_SIZE


@dataclass(frozen=True)
class _Work:
    r"""The function of a chunk; a class, for processes are sent it."""

    descriptors: bool
    fingerprints: tuple[str, ...]

    def __call__(self, chunk: Sequence[str], kills: Sequence[int], started: Started) -> Features:
        size = len(DESCRIPTOR_NAMES) if self.descriptors else 0
        values, failures = np.full((len(chunk), size), np.nan, dtype=np.float32), []
        counts: dict[str, list[sparse.csr_array]] = {name: [] for name in self.fingerprints}
        for i, text in enumerate(chunk):
            started(i)
            mols = []
            if kills[i]:
                failures.append(Failure(i, str(text), f"its features take more than {DEADLINE:.0f} s"))
            else:
                try:
                    mols = [parse_smiles(text)]
                except MoleculeError as error:
                    failures.append(Failure(i, str(text), error.reason))
            if mols and self.descriptors:
                values[i] = descriptor_matrix(mols)
            for name in self.fingerprints:
                row = fingerprint_matrix(mols, name)
                counts[name].append(row if mols else sparse.csr_array((1, row.shape[1]), dtype=np.float32))
        started(-1)
        empty = {name: sparse.csr_array((0, fingerprint_size(name)), dtype=np.float32) for name in counts}
        stacked = {name: sparse.csr_array(sparse.vstack([empty[name], *rows])) for name, rows in counts.items()}
        return Features(values, stacked, failures)


def _ignore(item: int) -> None:
    pass
