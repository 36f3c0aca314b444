r"""One molecule, or a list of them, as PyG data."""

import numpy as np
import torch
from rdkit import Chem
from torch_geometric.data import Data

from pyg_moleblend.chem.chunk import MoleculeChunk, chunk_from_mols, chunk_from_smiles
from pyg_moleblend.chem.hydrogens import Hydrogens


def from_smiles(smiles: str, hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Data:
    r"""Graph of a molecule given as SMILES, in OGB's vocabulary.

    Args:
        smiles: The SMILES; whitespace around it, a name after it and CXSMILES extensions (whose 3D
            coordinates become ``pos``) are understood.
        hydrogens: Which hydrogens become atoms; by default heavy atoms only, and the graph is exactly that of
            ``ogb.utils.smiles2graph``.

    Returns:
        Data with ``x`` ``[N, 9]``, ``edge_index`` ``[2, E]``, ``edge_attr`` ``[E, 3]``, all int64, ``pos``
        ``[N, 3]`` float32 in Å (NaN without a 3D structure), and ``smiles``.

    Raises:
        MoleculeError: If it cannot be read, with RDKit's reason.

    Example:
        >>> from_smiles("CCO").x[:, 0]
        tensor([5, 5, 7])
    """
    return data_list(chunk_from_smiles([smiles], hydrogens))[0]


def from_mol(mol: Chem.Mol, hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Data:
    r"""Graph of an RDKit molecule, in OGB's vocabulary, with its atom order and 3D coordinates.

    The coordinates are those of the first conformer if RDKit flags it as 3D and its atoms do not all lie on
    one point. ``smiles`` is written from the molecule; its atoms may stand in another order than those of ``x``.

    Args:
        mol: A sanitized molecule; it is not modified.
        hydrogens: Which hydrogens become atoms; by default heavy atoms only.

    Returns:
        Data with the fields of :func:`from_smiles`.

    Raises:
        MoleculeError: If it is not a sanitized molecule with atoms, or a 3D coordinate is not finite.
    """
    return data_list(chunk_from_mols([mol], hydrogens))[0]


def data_list(chunk: MoleculeChunk) -> list[Data]:
    r"""Each molecule of a chunk as its own data object; no two share memory.

    Args:
        chunk: M molecules.

    Returns:
        M data objects with the fields of :func:`from_smiles`.
    """
    graphs = chunk.graphs
    atoms = np.concatenate([[0], np.cumsum(graphs.num_atoms)]).tolist()
    edges = np.concatenate([[0], np.cumsum(graphs.num_edges)]).tolist()
    # Copies: a view would drag the whole chunk along wherever one molecule is saved or sent to.
    return [
        Data(
            x=torch.from_numpy(graphs.x[atoms[m] : atoms[m + 1]].copy()),
            edge_index=torch.from_numpy(graphs.edge_index[:, edges[m] : edges[m + 1]].copy()),
            edge_attr=torch.from_numpy(graphs.edge_attr[edges[m] : edges[m + 1]].copy()),
            pos=torch.from_numpy(graphs.pos[atoms[m] : atoms[m + 1]].copy()),
            smiles=smiles,
        )
        for m, smiles in enumerate(chunk.smiles)
    ]
