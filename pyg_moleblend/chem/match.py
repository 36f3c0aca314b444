r"""Which atom of a graph is which atom of the same molecule written in another order."""

import numpy as np
from rdkit import Chem

_CHIRALITY = 1
_CHIRAL_TAGS = {1: Chem.ChiralType.CHI_TETRAHEDRAL_CW, 2: Chem.ChiralType.CHI_TETRAHEDRAL_CCW}


def match_atoms(
    x: np.ndarray,
    edge_index: np.ndarray,
    edge_attr: np.ndarray,
    other_x: np.ndarray,
    other_edge_index: np.ndarray,
    other_edge_attr: np.ndarray,
) -> np.ndarray | None:
    r"""Finds the atoms of one graph in another of the same molecule, stereochemistry included.

    Atoms correspond if all their features do; the handedness of a stereocentre, which is relative to the order
    of its bonds, is compared as such.

    Args:
        x, edge_index, edge_attr: Graph in OGB's vocabulary, ``[N, 9]``, ``[2, E]``, ``[E, 3]``, every bond i→j
            then j→i.
        other_x, other_edge_index, other_edge_attr: The other graph.

    Returns:
        ``[N]``: the atom of the other graph for each atom of the graph; ``None`` if there is no such
        correspondence. Where symmetry leaves a choice, it is one of the choices.
    """
    if len(x) != len(other_x) or edge_index.shape != other_edge_index.shape:
        return None
    colours = _colours(np.delete(x, _CHIRALITY, axis=1), np.delete(other_x, _CHIRALITY, axis=1))
    kinds = _colours(edge_attr, other_edge_attr)
    graph = _skeleton(x, edge_index, colours[: len(x)], kinds[: len(edge_attr)])
    other = _skeleton(other_x, other_edge_index, colours[len(x) :], kinds[len(edge_attr) :])
    match = other.GetSubstructMatch(graph, useChirality=True)
    return np.array(match, dtype=np.int64) if match else None


def _colours(rows: np.ndarray, other_rows: np.ndarray) -> np.ndarray:
    return np.unique(np.concatenate([rows, other_rows]), axis=0, return_inverse=True)[1].ravel()


def _skeleton(x: np.ndarray, edge_index: np.ndarray, colours: np.ndarray, kinds: np.ndarray) -> Chem.Mol:
    r"""Carbon skeleton whose isotopes are the atoms' colours: RDKit matches isotopes exactly."""
    mol = Chem.RWMol()
    for colour, chirality in zip(colours.tolist(), x[:, _CHIRALITY].tolist(), strict=True):
        atom = Chem.Atom(6)
        atom.SetIsotope(1 + colour)
        atom.SetNoImplicit(True)
        atom.SetChiralTag(_CHIRAL_TAGS.get(chirality, Chem.ChiralType.CHI_UNSPECIFIED))
        mol.AddAtom(atom)
    bonds = zip(edge_index[:, ::2].T.tolist(), kinds[::2].tolist(), strict=True)
    for (begin, end), kind in bonds:
        # One more atom in the middle of each bond would say its kind as well, at twice the size.
        mol.AddBond(begin, end, _BOND_TYPES[kind % len(_BOND_TYPES)])
    return mol.GetMol()
