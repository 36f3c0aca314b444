r"""Which atom of a graph is which atom of the same molecule written in another order."""

import torch
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.chem.hydrogens import Hydrogens
from pyg_moleblend.chem.molecule import from_mol

_CHIRALITY = 1
_CHIRAL_TAGS = {1: Chem.ChiralType.CHI_TETRAHEDRAL_CW, 2: Chem.ChiralType.CHI_TETRAHEDRAL_CCW}
# Bond types that RDKit matches with themselves only, whichever way round, and more than any molecule has kinds.
_BOND_TYPES = [kind for value, kind in sorted(Chem.BondType.values.items()) if 1 <= value <= 15]


def order_in_smiles(data: Data, mol: Chem.Mol, hydrogens: Hydrogens | str) -> Tensor:
    r"""Finds the atoms of a graph in the molecule of its SMILES.

    Args:
        data: Molecule with ``x``, ``edge_index`` and ``edge_attr`` in OGB's vocabulary, and ``smiles``.
        mol: The molecule of ``smiles``.
        hydrogens: Which hydrogens are atoms of ``mol``, for the error.

    Returns:
        ``[N]`` int64: the atom of ``mol`` for each atom of the graph.

    Raises:
        ValueError: If it is not the molecule of ``x`` and ``edge_index``.
    """
    parsed = from_mol(mol, Hydrogens.KEEP)
    size = parsed.x.size(0)
    if data.x.size(0) != size:
        problem = f"it has {size} atoms, x has {data.x.size(0)}"
    elif torch.equal(data.x[:, 0].long().cpu(), parsed.x[:, 0]) and torch.equal(
        _bonds(data.edge_index.cpu(), size), _bonds(parsed.edge_index, size)
    ):
        return torch.arange(size)
    elif (order := match_atoms(data, parsed)) is not None:
        return order
    else:
        problem = "its elements, bonds or features are others, in whatever order"
    raise ValueError(
        f"smiles {data.smiles!r} with hydrogens={Hydrogens(hydrogens).value!r} is not the molecule of x and "
        f"edge_index: {problem}; pass the `hydrogens` that the graph was made with, and features in OGB's "
        "vocabulary"
    )


def match_atoms(data: Data, other: Data) -> Tensor | None:
    r"""Finds the atoms of one graph in another of the same molecule, stereochemistry included.

    Atoms and bonds correspond if their features are equal, but for the handedness of a stereocentre: that is
    relative to the order of its bonds, and compared as such.

    Args:
        data: Graph with OGB's ``x`` ``[N, 9]``, ``edge_index`` ``[2, E]`` and ``edge_attr`` ``[E, 3]``, bonds
            in RDKit's order.
        other: The other graph.

    Returns:
        ``[N]`` int64: for each atom of ``data`` its atom in ``other``, one of several where the molecule is
        symmetric. ``None`` if the graphs are not of one molecule.
    """
    if data.x.shape != other.x.shape or data.edge_index.shape != other.edge_index.shape:
        return None
    features = torch.stack([data.x, other.x]).long().cpu()  # [2, N, 9]
    bonds = torch.stack([data.edge_attr, other.edge_attr]).long().cpu()  # [2, E, 3]
    colours = _colours(torch.cat([features[..., :_CHIRALITY], features[..., _CHIRALITY + 1 :]], dim=-1))
    kinds = _colours(bonds)
    if kinds.numel() and int(kinds.max()) >= len(_BOND_TYPES):
        return None
    query, target = (
        _skeleton(colours[k], features[k, :, _CHIRALITY], graph.edge_index.cpu(), kinds[k])
        for k, graph in enumerate((data, other))
    )
    match = target.GetSubstructMatch(query, useChirality=True)
    return torch.tensor(match) if match else None


def _colours(rows: Tensor) -> Tensor:
    r"""The number of each distinct row: ``[2, n]`` for rows ``[2, n, K]``."""
    return torch.unique(rows.flatten(0, 1), dim=0, return_inverse=True)[1].view(rows.shape[:2])


def _skeleton(colours: Tensor, chirality: Tensor, edge_index: Tensor, kinds: Tensor) -> Chem.Mol:
    r"""Carbon atoms whose isotopes are their colours, for RDKit compares isotopes exactly."""
    mol = Chem.RWMol()
    for colour, handedness in zip(colours.tolist(), chirality.tolist(), strict=True):
        atom = Chem.Atom(6)
        atom.SetIsotope(1 + colour)
        atom.SetNoImplicit(True)
        atom.SetChiralTag(_CHIRAL_TAGS.get(handedness, Chem.ChiralType.CHI_UNSPECIFIED))
        mol.AddAtom(atom)
    once = edge_index[0] < edge_index[1]
    for (begin, end), kind in zip(edge_index[:, once].t().tolist(), kinds[once].tolist(), strict=True):
        mol.AddBond(begin, end, _BOND_TYPES[kind])
    return mol.GetMol()


def _bonds(edge_index: Tensor, num_atoms: int) -> Tensor:
    # One number a directed bond, sorted: equal for equal graphs, whatever the order of their edges.
    return (edge_index[0] * num_atoms + edge_index[1]).sort().values
