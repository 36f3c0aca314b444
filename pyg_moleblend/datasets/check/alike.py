r"""Which molecules may be the same as another one: few, so that only these need names, which take long to make."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

CHUNK_SIZE = 4096
_ROUNDS = 6
# Of other atoms InChI may undo the bonds, or leave them out: B, C, N, O, F, Si, P, S, Cl, Se, Br, I, by OGB's numbers.
_COVALENT = np.array([5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53]) - 1

Hashes = NDArray[np.uint64]


class Alike(NamedTuple):
    r"""What the graphs of a dataset tell of its molecules.

    Attributes:
        candidate: Whether another molecule may be the same, or the same but for salt, charge, stereochemistry or
            tautomerism, ``[M]``; if not, none is.
        num_fragments: Fragments that no bond connects, int64 ``[M]``.
    """

    candidate: NDArray[np.bool_]
    num_fragments: NDArray[np.int64]


def find_alike(molecules: Any) -> Alike:
    r"""Compares the fragments of molecules by their elements and bonds, whatever the bonds' orders: hydrogens, charges,
    stereochemistry and isotopes aside, and without metals. Molecules of one parent share such a fragment.

    Args:
        molecules: A dataset that has ``get_batch(positions)``, with OGB's atom features.
    """
    M = len(molecules)
    owners, hashes, counts = [], [], []
    candidate = np.zeros(M, dtype=np.bool_)
    for start in range(0, M, CHUNK_SIZE):
        positions = range(start, min(start + CHUNK_SIZE, M))
        batch = molecules.get_batch(positions)
        element, owner = batch.x[:, 0].numpy().astype(np.int64), batch.batch.numpy() + start
        bonds = batch.edge_index.numpy()
        whole, fragment = _components(bonds, len(element))
        counts.append(np.bincount(owner[_first_of(fragment, whole)] - start, minlength=len(positions)))
        kept = np.isin(element, _COVALENT)
        number = np.cumsum(kept) - 1
        bonds = number[bonds[:, kept[bonds].all(0)]]
        element, owner = element[kept], owner[kept]
        count, fragment = _components(bonds, len(element))
        owners.append(owner[_first_of(fragment, count)])
        hashes.append(_fragment_hashes(element, bonds, fragment, count))
        candidate[positions] = np.bincount(owner - start, minlength=len(positions)) == 0  # of metals or hydrogen alone
    pairs = np.unique(np.stack([np.concatenate(hashes), np.concatenate(owners).astype(np.uint64)]), axis=1)
    _, position, times = np.unique(pairs[0], return_inverse=True, return_counts=True)
    candidate[pairs[1][times[position] > 1].astype(np.int64)] = True
    return Alike(candidate, np.concatenate(counts))


def _fragment_hashes(element: NDArray[np.int64], bonds: NDArray[np.int64], fragment: Any, count: int) -> Hashes:
    r"""Hash of each fragment, the same for isomorphic ones: Weisfeiler and Lehman's, and then some by chance."""
    atoms = _mixed(element.astype(np.uint64))
    for _ in range(_ROUNDS):
        around = np.zeros_like(atoms)
        np.add.at(around, bonds[1], _mixed(atoms[bonds[0]]))
        atoms = _mixed(3 * atoms + around)
    found = np.zeros(count, dtype=np.uint64)
    np.add.at(found, fragment, atoms)
    return found


def _mixed(values: Hashes) -> Hashes:
    r"""SplitMix64, modulo 2⁶⁴."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _components(bonds: NDArray[np.int64], size: int) -> tuple[int, NDArray[np.int32]]:
    ones = np.ones(bonds.shape[1], dtype=np.bool_)
    count, label = connected_components(coo_array((ones, (bonds[0], bonds[1])), (size, size)), directed=False)
    return count, label


def _first_of(fragment: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    r"""Number of some atom of each fragment, ``[count]``."""
    first = np.zeros(count, dtype=np.int64)
    first[fragment] = np.arange(len(fragment))
    return first
