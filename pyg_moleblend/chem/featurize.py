r"""The one featurizer: a chunk of RDKit molecules to flat arrays.

Everything that turns a molecule into tensors goes through :func:`featurize`, a single molecule as a chunk of
one. RDKit is asked through its public getters, an atom's wrapper is made once, and numpy turns the raw values
of the whole chunk into classes.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from rdkit.Chem import Atom, Bond, Mol

from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.positions import positions_of
from pyg_moleblend.chem.vocabulary import ATOM_CLASSES, BOND_CLASSES

# The columns of x.
_ATOM_GETTERS: tuple[Callable[[Atom], Any], ...] = (
    Atom.GetAtomicNum,
    Atom.GetChiralTag,
    Atom.GetTotalDegree,
    Atom.GetFormalCharge,
    Atom.GetTotalNumHs,
    Atom.GetNumRadicalElectrons,
    Atom.GetHybridization,
    Atom.GetIsAromatic,
    Atom.IsInRing,
)
# Both ends of a bond, then the columns of edge_attr.
_BOND_GETTERS: tuple[Callable[[Bond], Any], ...] = (
    Bond.GetBeginAtomIdx,
    Bond.GetEndAtomIdx,
    Bond.GetBondType,
    Bond.GetStereo,
    Bond.GetIsConjugated,
)


class FlatGraphs(NamedTuple):
    r"""Graphs of M molecules, one after another, in OGB's vocabulary.

    Shapes:
        * ``x``: ``[ΣN, 9]`` int64 atom features.
        * ``edge_index``: ``[2, ΣE]`` int64, counted within each molecule; every bond i→j then j→i, in RDKit's
          bond order.
        * ``edge_attr``: ``[ΣE, 3]`` int64 bond features.
        * ``pos``: ``[ΣN, 3]`` float32 coordinates in Å, NaN for a molecule without a 3D structure.
        * ``num_atoms``, ``num_edges``: ``[M]`` int64.
    """

    x: np.ndarray
    edge_index: np.ndarray
    edge_attr: np.ndarray
    pos: np.ndarray
    num_atoms: np.ndarray
    num_edges: np.ndarray


def featurize(mols: Sequence[Mol]) -> FlatGraphs:
    r"""Features of a chunk of molecules, those of ``ogb.utils.smiles2graph`` (arXiv 2005.00687).

    The atoms are the molecule's own, in its order; hydrogens are the business of
    :func:`~pyg_moleblend.chem.apply_hydrogens`. A chunk of 128 and more is fastest.

    Args:
        mols: Sanitized molecules.

    Returns:
        The flat arrays.

    Raises:
        MoleculeError: If an entry is not a molecule, has no atoms or is not sanitized, or if a coordinate of
            a 3D structure is not finite.
    """
    atom_columns: list[list[Any]] = [[] for _ in _ATOM_GETTERS]
    bond_columns: list[list[Any]] = [[] for _ in _BOND_GETTERS]
    for index, mol in enumerate(mols):
        require_mol(mol, name := f"number {index} of the molecules")
        if mol.NeedsUpdatePropertyCache():
            raise MoleculeError(name, "it is not sanitized", "call rdkit.Chem.SanitizeMol on it first")
        # Wrappers of one molecule at a time: kept for a whole chunk, they set off the garbage collector.
        atoms = list(map(mol.GetAtomWithIdx, range(mol.GetNumAtoms())))
        for column, getter in zip(atom_columns, _ATOM_GETTERS, strict=True):
            column.extend(map(getter, atoms))
        bonds = list(map(mol.GetBondWithIdx, range(mol.GetNumBonds())))
        for column, getter in zip(bond_columns, _BOND_GETTERS, strict=True):
            column.extend(map(getter, bonds))
    num_atoms = np.array([mol.GetNumAtoms() for mol in mols], dtype=np.int64)
    num_bonds = np.array([mol.GetNumBonds() for mol in mols], dtype=np.int64)
    atom_values = np.array(atom_columns, dtype=np.int64)  # [9, ΣN]
    begin, end, *_ = bond_values = np.array(bond_columns, dtype=np.int64)  # [5, bonds]
    return FlatGraphs(
        x=ATOM_CLASSES(atom_values),
        # [2, bonds, 2]: the last axis is i→j, then j→i.
        edge_index=np.array([(begin, end), (end, begin)]).swapaxes(1, 2).reshape(2, -1),
        edge_attr=np.repeat(BOND_CLASSES(bond_values[2:]), 2, axis=0),
        pos=positions_of(mols, atom_values.shape[1]),
        num_atoms=num_atoms,
        num_edges=2 * num_bonds,
    )
