r"""A batch cut straight from a chunk of molecules, without the data objects in between."""

from collections.abc import Sequence

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Batch

from pyg_moleblend.chem.chunk import MoleculeChunk, chunk_from_mols, chunk_from_smiles
from pyg_moleblend.chem.hydrogens import Hydrogens
from pyg_moleblend.utils.flat_batch import flat_batch


def batch_from_smiles(smiles: Sequence[str], hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Batch:
    r"""What ``Batch.from_data_list`` gives for :func:`~pyg_moleblend.chem.from_smiles` of each, but faster.

    Args:
        smiles: B SMILES, at least one.
        hydrogens: Which hydrogens become atoms.

    Returns:
        The batch; ``batch[i]`` and ``batch.to_data_list()`` work as usual.

    Raises:
        MoleculeError: If one of them cannot be read, with RDKit's reason.
        ValueError: If there are none.
    """
    return batch_of(chunk_from_smiles(smiles, hydrogens))


def batch_from_mols(
    mols: Sequence[Chem.Mol],
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    smiles: Sequence[str] | None = None,
) -> Batch:
    r"""What ``Batch.from_data_list`` gives for :func:`~pyg_moleblend.chem.from_mol` of each, but faster.

    Args:
        mols: B sanitized molecules, at least one; they are not modified.
        hydrogens: Which hydrogens become atoms.
        smiles: B SMILES to store; by default they are written from the molecules.

    Returns:
        The batch; ``batch[i]`` and ``batch.to_data_list()`` work as usual.

    Raises:
        MoleculeError: If one of them cannot be used.
        ValueError: If there are none, or not as many SMILES as molecules.
    """
    return batch_of(chunk_from_mols(mols, hydrogens, smiles))


def batch_of(chunk: MoleculeChunk) -> Batch:
    r"""The batch of a chunk of at least one molecule; it shares the chunk's memory where it can."""
    graphs = chunk.graphs
    ptr, edge_ptr = _pointers(graphs.num_atoms), _pointers(graphs.num_edges)
    fields = {
        "x": torch.from_numpy(graphs.x),
        "edge_index": torch.from_numpy(graphs.edge_index),
        "edge_attr": torch.from_numpy(graphs.edge_attr),
        "pos": torch.from_numpy(graphs.pos),
        "smiles": chunk.smiles,
    }
    ones = torch.arange(len(chunk.smiles) + 1)
    ends = {"x": ptr, "edge_index": edge_ptr, "edge_attr": edge_ptr, "pos": ptr, "smiles": ones}
    return flat_batch(fields, ends)


def _pointers(counts: np.ndarray) -> Tensor:
    return torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
