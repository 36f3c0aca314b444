r"""SMILES and RDKit molecules as PyG data: one, a list of them, or a batch."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from rdkit import Chem
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.featurize import featurize
from pyg_moleblend.chem.flat import FlatGraphs
from pyg_moleblend.chem.hydrogens import Hydrogens, apply_hydrogens
from pyg_moleblend.chem.parse import given_smiles, parse_each
from pyg_moleblend.utils.flat_batch import flat_batch


class MoleculeChunk(NamedTuple):
    r"""Flat arrays of M molecules and their M SMILES."""

    graphs: FlatGraphs
    smiles: list[str]


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


def batch_from_smiles(smiles: Sequence[str], hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Batch:
    r"""What ``Batch.from_data_list`` gives for :func:`~pyg_moleblend.chem.from_smiles` of each, but faster.

    Args:
        smiles: B SMILES, at least one.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)

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
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)
        smiles: B SMILES to store; by default they are written from the molecules.

    Returns:
        The batch; ``batch[i]`` and ``batch.to_data_list()`` work as usual.

    Raises:
        MoleculeError: If one of them cannot be used.
        ValueError: If there are none, or not as many SMILES as molecules.
    """
    return batch_of(chunk_from_mols(mols, hydrogens, smiles))


def chunk_from_smiles(smiles: Sequence[str], hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> MoleculeChunk:
    r"""Chunk of molecules given as SMILES.

    Args:
        smiles: M SMILES.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)

    Returns:
        The chunk; its SMILES are those that were given, without names after them.

    Raises:
        MoleculeError: If one of them cannot be read.
    """
    mols: list[Chem.Mol] = []
    for mol in parse_each(smiles, hydrogens):
        if isinstance(mol, MoleculeError):
            raise mol
        mols.append(mol)
    return MoleculeChunk(featurize(mols), [given_smiles(text, mol) for text, mol in zip(smiles, mols, strict=True)])


def chunk_from_mols(
    mols: Sequence[Chem.Mol],
    hydrogens: Hydrogens | str = Hydrogens.REMOVE,
    smiles: Sequence[str] | None = None,
) -> MoleculeChunk:
    r"""Chunk of RDKit molecules; their atoms, coordinates and atom order are kept.

    Args:
        mols: M sanitized molecules; they are not modified.
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)
        smiles: M SMILES to store; by default they are written from the molecules: not canonical, and as near
            to the order of the atoms as RDKit writes them.

    Returns:
        The chunk.

    Raises:
        MoleculeError: If one of them cannot be used.
        ValueError: If there are not as many SMILES as molecules.
    """
    if smiles is not None and len(smiles) != len(mols):
        raise ValueError(f"expected one SMILES a molecule, got {len(smiles)} for {len(mols)} molecules")
    for index, mol in enumerate(mols):
        require_mol(mol, f"number {index} of the molecules")
    mols = [apply_hydrogens(mol, hydrogens) for mol in mols]
    graphs = featurize(mols)
    if smiles is None:
        smiles = [Chem.MolToSmiles(mol, canonical=False) for mol in mols]
    return MoleculeChunk(graphs, list(smiles))


def data_list(chunk: MoleculeChunk) -> list[Data]:
    r"""Each molecule of a chunk as its own data object; no two share memory.

    Args:
        chunk: M molecules.

    Returns:
        M data objects with the fields of :func:`from_smiles`.
    """
    molecules = []
    for graph, smiles in zip(chunk.graphs.each(), chunk.smiles, strict=True):
        # Copies: a view would drag the whole chunk along wherever one molecule is saved or sent to.
        fields = {n: v if isinstance(v, str) else torch.from_numpy(v.copy()) for n, v in graph.arrays.items()}
        molecules.append(Data(**fields, smiles=smiles))
    return molecules


def batch_of(chunk: MoleculeChunk) -> Batch:
    r"""The batch of a chunk of at least one molecule; it shares the chunk's memory where it can."""
    fields, ends = chunk.graphs.tensors()
    ones = torch.arange(len(chunk.smiles) + 1)
    return flat_batch({**fields, "smiles": chunk.smiles}, {**ends, "smiles": ones})
