r"""Which atom of a graph is which atom of the same molecule written in another order."""

from collections.abc import Sequence

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
    skeletons = []
    for k, graph in enumerate((data, other)):
        once = (graph.edge_index[0] < graph.edge_index[1]).cpu()
        bonds = graph.edge_index.cpu()[:, once].t().tolist()
        skeletons.append(
            skeleton(colours[k].tolist(), bonds, kinds[k, once].tolist(), features[k, :, _CHIRALITY].tolist())
        )
    query, target = skeletons
    match = target.GetSubstructMatch(query, useChirality=True)
    return torch.tensor(match) if match else None


def skeleton(
    colours: Sequence[int],
    bonds: Sequence[Sequence[int]],
    kinds: Sequence[int] | None = None,
    hands: Sequence[int] | None = None,
) -> Chem.Mol:
    r"""A molecule that RDKit compares by the colours of its atoms and the kinds of its bonds alone.

    Its atoms are carbon, and the colours their isotopes, for RDKit compares isotopes exactly.

    Args:
        colours: A number below 2¹⁶ - 1 for each of the N atoms.
        bonds: The two atoms of each of the B bonds, each bond once.
        kinds: A number from 0 to 14 for each bond; by default all are of one kind.
        hands: Class of each atom's chirality in OGB's vocabulary, relative to the order of its bonds; by default none
            has any.
    """
    mol = Chem.RWMol()
    for colour, hand in zip(colours, hands or [0] * len(colours), strict=True):
        atom = Chem.Atom(6)
        atom.SetIsotope(1 + colour)
        atom.SetNoImplicit(True)
        atom.SetChiralTag(_CHIRAL_TAGS.get(hand, Chem.ChiralType.CHI_UNSPECIFIED))
        mol.AddAtom(atom)
    for (begin, end), kind in zip(bonds, kinds or [0] * len(bonds), strict=True):
        mol.AddBond(begin, end, _BOND_TYPES[kind])
    return mol.GetMol()


def _colours(rows: Tensor) -> Tensor:
    r"""The number of each distinct row: ``[2, n]`` for rows ``[2, n, K]``."""
    return torch.unique(rows.flatten(0, 1), dim=0, return_inverse=True)[1].view(rows.shape[:2])


def _bonds(edge_index: Tensor, num_atoms: int) -> Tensor:
    # One number a directed bond, sorted: equal for equal graphs, whatever the order of their edges.
    return (edge_index[0] * num_atoms + edge_index[1]).sort().values
