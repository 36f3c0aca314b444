r"""The data path written straight from the method's description: a molecule at a time, and Python for every pair.

Features are looked up in lists, shortest paths are Floyd and Warshall's three loops, paths are put together by
recursion, and a pair has three int64 features for each hop of the longest path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from rdkit import Chem

from benchmarks.baseline.model import ROWS, UNREACHABLE, PlainBatch
from pyg_moleblend.chem.vocabulary import ATOM_VOCABULARY, BOND_VOCABULARY

_FAR = UNREACHABLE - 1
_PATH_LENGTH = 5


class PlainMolecule(NamedTuple):
    r"""One molecule.

    Attributes:
        x: ``[N, 9]`` int64.
        adjacency: ``[N, N]`` bool.
        bonds: ``[N, N, 3]`` int64, -1 where there is none.
    """

    x: np.ndarray
    adjacency: np.ndarray
    bonds: np.ndarray


class PlainRelations(NamedTuple):
    r"""The relations of one molecule.

    Attributes:
        spd: ``[N, N]`` int64, 510 where there is no path.
        edges: ``[N, N, longest path, 3]`` int64, -1 past the end of a path.
    """

    spd: np.ndarray
    edges: np.ndarray


def featurize(smiles: str) -> PlainMolecule:
    r"""Atoms and bonds of a SMILES."""
    mol = Chem.MolFromSmiles(smiles)
    x = [_classes(_atom_values(atom), ATOM_VOCABULARY) for atom in mol.GetAtoms()]
    size = len(x)
    adjacency = np.zeros((size, size), dtype=bool)
    bonds = np.full((size, size, 3), -1, dtype=np.int64)
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        values = [str(bond.GetBondType()), str(bond.GetStereo()), bond.GetIsConjugated()]
        adjacency[i, j] = adjacency[j, i] = True
        bonds[i, j] = bonds[j, i] = _classes(values, BOND_VOCABULARY)
    return PlainMolecule(np.array(x, dtype=np.int64), adjacency, bonds)


def relate(molecule: PlainMolecule) -> PlainRelations:
    r"""Shortest paths of a molecule and the bonds along them."""
    spd, via = _floyd_warshall(molecule.adjacency)
    size = len(spd)
    longest = max((int(d) for d in spd.flat if d < _FAR), default=0)
    edges = np.full((size, size, max(longest, 1), 3), -1, dtype=np.int64)
    for i in range(size):
        for j in range(size):
            if i != j and spd[i, j] < _FAR:
                path = [i, *_between(via, i, j), j]
                for hop in range(len(path) - 1):
                    edges[i, j, hop] = molecule.bonds[path[hop], path[hop + 1]]
    return PlainRelations(spd, edges)


def collate(molecules: Sequence[PlainMolecule], relations: Sequence[PlainRelations]) -> PlainBatch:
    r"""Molecules padded to the largest; features are told apart by their offset, 0 is padding."""
    size = max(len(molecule.x) for molecule in molecules)
    count = len(molecules)
    x = torch.zeros(count, size, 9, dtype=torch.long)
    degree = torch.zeros(count, size, dtype=torch.long)
    spd = torch.zeros(count, size, size, dtype=torch.long)
    edges = torch.zeros(count, size, size, _PATH_LENGTH, 3, dtype=torch.long)
    mask = torch.zeros(count, size, dtype=torch.bool)
    for b, (molecule, related) in enumerate(zip(molecules, relations, strict=True)):
        n, hops = len(molecule.x), min(related.edges.shape[2], _PATH_LENGTH)
        x[b, :n] = torch.from_numpy(molecule.x) + ROWS * torch.arange(9) + 1
        degree[b, :n] = torch.from_numpy(molecule.adjacency).sum(1) + 1
        spd[b, :n, :n] = torch.from_numpy(related.spd) + 1
        given = torch.from_numpy(related.edges[:, :, :hops])
        edges[b, :n, :n, :hops] = torch.where(given >= 0, given + ROWS * torch.arange(3) + 1, 0)
        mask[b, :n] = True
    return PlainBatch(x, degree, spd, edges, torch.zeros(count, size, 3), mask)


def _floyd_warshall(adjacency: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = len(adjacency)
    spd = np.where(adjacency, 1, _FAR)
    via = np.full((size, size), -1)
    for i in range(size):
        spd[i, i] = 0
    for k in range(size):
        for i in range(size):
            to_k = spd[i, k]
            for j in range(size):
                through = to_k + spd[k, j]
                if through < spd[i, j]:
                    spd[i, j] = through
                    via[i, j] = k
    return spd, via


def _between(via: np.ndarray, i: int, j: int) -> list[int]:
    k = int(via[i, j])
    return [] if k < 0 else [*_between(via, i, k), k, *_between(via, k, j)]


def _atom_values(atom: Chem.Atom) -> list[object]:
    return [
        atom.GetAtomicNum(),
        str(atom.GetChiralTag()),
        atom.GetTotalDegree(),
        atom.GetFormalCharge(),
        atom.GetTotalNumHs(),
        atom.GetNumRadicalElectrons(),
        str(atom.GetHybridization()),
        atom.GetIsAromatic(),
        atom.IsInRing(),
    ]


def _classes(values: Sequence[object], vocabulary: dict[str, tuple]) -> list[int]:
    return [
        known.index(value) if value in known else len(known) - 1
        for value, known in zip(values, vocabulary.values(), strict=True)
    ]
