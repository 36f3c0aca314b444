r"""The one featurizer: a chunk of RDKit molecules to flat arrays.

Everything that turns a molecule into tensors goes through :func:`featurize`, a single molecule as a chunk of
one. RDKit is asked through its public getters, an atom's wrapper is made once, and numpy turns the raw values
of the whole chunk into classes.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import Atom, Bond, Mol, rdqueries

from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.flat import FlatGraphs
from pyg_moleblend.chem.vocabulary import ATOM_CLASSES, BOND_CLASSES

# Columns of x that every atom is asked for, by column. An enum costs three times an integer.
_ATOM_GETTERS: dict[int, Callable[[Atom], Any]] = {
    0: Atom.GetAtomicNum,
    4: Atom.GetTotalNumHs,
    6: Atom.GetHybridization,
    7: Atom.GetIsAromatic,
    8: Atom.IsInRing,
}
# Columns that are 0 in most molecules: one query a molecule tells whether its atoms need to be asked.
_RARE_GETTERS: dict[int, Callable[[Atom], Any]] = {
    1: Atom.GetChiralTag,
    3: Atom.GetFormalCharge,
    5: Atom.GetNumRadicalElectrons,
}
_DEGREE, _NUM_HS = 2, 4
# Both ends of a bond, then columns of edge_attr.
_BOND_GETTERS: dict[int, Callable[[Bond], Any]] = {
    0: Bond.GetBeginAtomIdx,
    1: Bond.GetEndAtomIdx,
    2: Bond.GetBondType,  # not as a double, which takes dative for single bonds
    4: Bond.GetIsConjugated,
}
_TYPE, _STEREO = 2, 3  # single bonds have none, or that of an atropisomer, which counts as none


def _rare_atom() -> Any:
    query = rdqueries.HasChiralTagQueryAtom()
    query.ExpandQuery(Chem.MolFromSmarts("[!+0]").GetAtomWithIdx(0), Chem.CompositeQueryType.COMPOSITE_OR)
    query.ExpandQuery(rdqueries.NumRadicalElectronsGreaterQueryAtom(0), Chem.CompositeQueryType.COMPOSITE_OR)
    return query


_RARE_ATOM = _rare_atom()


def featurize(mols: Iterable[Mol]) -> FlatGraphs:
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
    atom_columns: list[list[Any]] = [[] for _ in range(9)]
    bond_columns: list[list[Any]] = [[] for _ in range(5)]
    sizes: list[tuple[int, int]] = []
    structures: list[tuple[int, np.ndarray]] = []
    for index, mol in enumerate(mols):
        require_mol(mol, name := f"number {index} of the molecules")
        if mol.NeedsUpdatePropertyCache():
            raise MoleculeError(name, "it is not sanitized", "call rdkit.Chem.SanitizeMol on it first")
        if mol.GetNumConformers() and (structure := structure_of(mol, name)) is not None:
            structures.append((len(atom_columns[0]), structure))
        # Wrappers of one molecule at a time: kept for a whole chunk, they set off the garbage collector.
        atoms = list(map(mol.GetAtomWithIdx, range(mol.GetNumAtoms())))
        for column, getter in _ATOM_GETTERS.items():
            atom_columns[column].extend(map(getter, atoms))
        rare = len(mol.GetAtomsMatchingQuery(_RARE_ATOM)) > 0
        for column, getter in _RARE_GETTERS.items():
            atom_columns[column].extend(map(getter, atoms) if rare else bytes(len(atoms)))
        bonds = list(map(mol.GetBondWithIdx, range(mol.GetNumBonds())))
        for column, getter in _BOND_GETTERS.items():
            bond_columns[column].extend(map(getter, bonds))
        kinds = bond_columns[_TYPE][-len(bonds) :] if bonds else []
        bond_columns[_STEREO].extend([0 if k == 1 else Bond.GetStereo(b) for k, b in zip(kinds, bonds, strict=True)])
        sizes.append((len(atoms), len(bonds)))
    num_atoms, num_bonds = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    begin, end, *_ = bond_values = _integers(bond_columns)  # [5, bonds]
    atom_values = _integers(atom_columns)  # [9, ΣN]
    first_atom = np.repeat(np.cumsum(num_atoms) - num_atoms, num_bonds)
    ends = np.concatenate([begin + first_atom, end + first_atom])
    atom_values[_DEGREE] = atom_values[_NUM_HS] + np.bincount(ends, minlength=atom_values.shape[1])
    pos = np.full((atom_values.shape[1], 3), np.nan, dtype=np.float32)
    for start, structure in structures:
        pos[start : start + len(structure)] = structure
    return FlatGraphs(
        x=ATOM_CLASSES(atom_values),
        # [2, bonds, 2]: the last axis is i→j, then j→i.
        edge_index=np.array([(begin, end), (end, begin)]).swapaxes(1, 2).reshape(2, -1),
        edge_attr=np.repeat(BOND_CLASSES(bond_values[2:]), 2, axis=0),
        pos=pos,
        num_atoms=num_atoms.copy(),
        num_edges=2 * num_bonds,
    )


def structure_of(mol: Mol, name: str) -> np.ndarray | None:
    r"""Coordinates of the first conformer if it is a 3D structure.

    It is one if RDKit flags it as 3D and, in a molecule of two atoms and more, not all atoms lie on one
    point: a depiction and a block of zeros are no structure. A planar molecule may well have ``z = 0``
    throughout.

    Args:
        mol: The molecule.
        name: What to call it in an error.

    Returns:
        ``[N, 3]`` float64 coordinates in Å, or ``None`` without a 3D structure.

    Raises:
        MoleculeError: If the conformer is flagged as 3D and a coordinate is not finite.
    """
    if not mol.GetNumConformers():
        return None
    conformer = mol.GetConformer()
    if not conformer.Is3D():
        return None
    structure = conformer.GetPositions()  # [N, 3]
    bad = np.flatnonzero(~np.isfinite(structure).all(axis=1))
    if len(bad):
        atom = mol.GetAtomWithIdx(int(bad[0]))
        at = structure[bad[0]].tolist()
        raise MoleculeError(
            name,
            f"atom {bad[0]} ({atom.GetSymbol()}) has a coordinate that is not finite: {at}",
            "correct the coordinates, or remove them with mol.RemoveAllConformers()",
        )
    if len(structure) > 1 and (structure == structure[0]).all():
        return None
    return structure


def _integers(columns: list[list[Any]]) -> np.ndarray:
    r"""RDKit's values ``[K, n]`` as int64; a column that was not asked for is 0."""
    values = np.zeros((len(columns), len(columns[0])), dtype=np.int64)
    for number, column in enumerate(columns):
        if column:
            values[number] = np.fromiter(column, np.int64, len(column))  # half the time of `np.array` on enums
    return values
