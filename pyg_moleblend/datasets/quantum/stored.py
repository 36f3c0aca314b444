r"""The labels of many molecules in memory: flat arrays, and how they come back to the molecules' graphs."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from pyg_moleblend.chem.molecule import chunk_from_smiles, data_list
from pyg_moleblend.chem.parse import parse_smiles

_CHUNK = 512  # molecules that become graphs together, which is faster


class StoredLabels(NamedTuple):
    r"""The labels of M molecules, one after another; atoms and bonds are in the order of RDKit's parse of the SMILES.

    Attributes:
        smiles: M SMILES.
        properties: ``[M, 8]`` float32, in the order of :data:`~pyg_moleblend.chem.quantum.PROPERTIES`.
        num_atoms: ``[M]`` int64.
        charges: ``[ΣN, 2]`` float32, in the order of :data:`~pyg_moleblend.chem.quantum.CHARGES`.
        num_bonds: ``[M]`` int64.
        bond_orders: ``[ΣB]`` float32, of bonded pairs only.
    """

    smiles: list[str]
    properties: NDArray[np.float32]
    num_atoms: NDArray[np.int64]
    charges: NDArray[np.float32]
    num_bonds: NDArray[np.int64]
    bond_orders: NDArray[np.float32]


def concatenate_labels(stored: Sequence[StoredLabels]) -> StoredLabels:
    r"""The molecules of all of them, one after another."""
    if not stored:
        raise ValueError("there are no labels to put together: expected at least one part")
    smiles, *arrays = zip(*stored, strict=True)
    return StoredLabels([text for texts in smiles for text in texts], *map(np.concatenate, arrays))


def labelled_graphs(stored: StoredLabels) -> Iterator[Data]:
    r"""The graph of each molecule with its labels, the fields of :class:`~pyg_moleblend.transforms.AddQuantumLabels`.

    Bond orders that are not stored, those of atoms without a bond between them, are NaN.

    Yields:
        Data of :func:`~pyg_moleblend.chem.from_smiles` with ``quantum_properties`` ``[1, 8]``, ``quantum_charges``
        ``[N, 2]`` and ``quantum_bond_orders`` ``[N * N]``, all float32.

    Raises:
        ValueError: If the labels are of other atoms or bonds than RDKit reads from the SMILES.
    """
    atoms = np.split(stored.charges, np.cumsum(stored.num_atoms)[:-1])
    bonds = np.split(stored.bond_orders, np.cumsum(stored.num_bonds)[:-1])
    for number, data in enumerate(_graphs(stored.smiles)):
        charges, orders = torch.from_numpy(atoms[number]), torch.from_numpy(bonds[number])
        matrix = torch.full((len(charges), len(charges)), torch.nan).fill_diagonal_(0)
        if len(charges) != data.num_nodes or 2 * len(orders) != data.num_edges:
            raise ValueError(
                f"molecule {number}, {data.smiles!r}, has {data.num_nodes} atoms and {data.num_edges // 2} bonds, its "
                f"labels are of {len(charges)} and {len(orders)}: compute them with this version of RDKit"
            )
        i, j = data.edge_index  # both directions of a bond, one after the other
        matrix[i, j] = orders.repeat_interleave(2)
        data.quantum_properties = torch.from_numpy(stored.properties[number : number + 1].copy())
        data.quantum_charges = charges.clone()
        data.quantum_bond_orders = matrix.view(-1)
        yield data


def _graphs(smiles: Sequence[str]) -> Iterator[Data]:
    for start in range(0, len(smiles), _CHUNK):
        yield from data_list(chunk_from_smiles(smiles[start : start + _CHUNK]))


def bonded_pairs(smiles: str) -> NDArray[np.int64]:
    r"""The two atoms of each bond, ``[B, 2]``, the lower number first."""
    bonds = parse_smiles(smiles).GetBonds()
    pairs = [sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in bonds]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
