r"""A batch cut straight from a chunk of molecules, without the data objects in between."""

from collections.abc import Sequence

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem.chunk import MoleculeChunk, chunk_from_mols, chunk_from_smiles
from pyg_moleblend.chem.hydrogens import Hydrogens


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
    graphs, size = chunk.graphs, len(chunk.smiles)
    if not size:
        raise ValueError("expected at least one molecule, got none: PyG has no empty batch")
    num_atoms = torch.from_numpy(graphs.num_atoms)
    ptr, edge_ptr = _pointers(graphs.num_atoms), _pointers(graphs.num_edges)
    first_atom = np.repeat(ptr[:-1].numpy(), graphs.num_edges)  # [ΣE]

    batch = Batch(_base_cls=Data)
    batch.x = torch.from_numpy(graphs.x)
    batch.edge_index = torch.from_numpy(graphs.edge_index + first_atom)
    batch.edge_attr = torch.from_numpy(graphs.edge_attr)
    batch.pos = torch.from_numpy(graphs.pos)
    batch.smiles = list(chunk.smiles)
    batch.batch = torch.repeat_interleave(num_atoms)
    batch.ptr = ptr

    # PyG's record of how to take a batch apart, as its own collate writes it.
    none = torch.zeros(size, dtype=torch.long)
    batch._num_graphs = size
    batch._slice_dict = {
        "x": ptr,
        "edge_index": edge_ptr,
        "edge_attr": edge_ptr,
        "pos": ptr,
        "smiles": torch.arange(size + 1),
    }
    batch._inc_dict = {"x": none, "edge_index": ptr[:-1], "edge_attr": none, "pos": none, "smiles": None}
    return batch


def _pointers(counts: np.ndarray) -> Tensor:
    return torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
