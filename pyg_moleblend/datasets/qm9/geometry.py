r"""Coordinates from one file, graphs from another: put together, and checked atom by atom."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.datasets.io.reading import Reading

BOND_STRETCH: float = 1.5
r"""A bond may be this many times as long as the sum of its atoms' covalent radii. In QM9 the longest is 1.44 times
as long, in two strained cages; all others are below 1.30."""

_CONTACT = 1.3
_HYDROGEN = 1
_RADIUS = np.array([np.nan] + [Chem.GetPeriodicTable().GetRcovalent(z) for z in range(1, 119)])


class Geometry(NamedTuple):
    r"""Atoms of one molecule in space.

    Attributes:
        z: Atomic numbers, ``[N]``.
        pos: Coordinates in Å, ``[N, 3]``.
    """

    z: NDArray[np.uint8]
    pos: NDArray[np.float32]


class HeavyGraph(NamedTuple):
    r"""What a molecule's graph says of its geometry.

    Attributes:
        z: Atomic numbers of its heavy atoms, ``[N]``.
        num_h: Hydrogens on each of them, ``[N]``.
        bonds: Every bond once, ``[2, E / 2]``.
    """

    z: NDArray[np.int64]
    num_h: NDArray[np.int64]
    bonds: NDArray[np.int64]


def attach_geometries(reading: Reading, geometries: Sequence[Geometry]) -> Reading:
    r"""Gives molecules the coordinates of their heavy atoms.

    The heavy atoms of graph and geometry are taken to be in one order. Where that cannot be, because elements
    differ or a bond would be longer than :data:`BOND_STRETCH` allows, the order is found by matching the graph
    to the contacts in the geometry. A molecule for which there is none becomes a failure.

    Args:
        reading: Molecules of heavy atoms.
        geometries: A geometry with hydrogens for each row that was read.
    """
    pos = np.full_like(reading.graphs.pos, np.nan)  # [ΣN, 3]
    ends = np.cumsum(reading.graphs.num_atoms)
    reasons: dict[int, str] = {}
    for m, (graph, row) in enumerate(zip(_graphs(reading), reading.rows.tolist(), strict=True)):
        heavy = heavy_atoms(geometries[row])
        reason = disagreement(graph, heavy)
        if reason:
            order = match_atoms(graph, geometries[row])
            if order is None:
                reasons[m] = reason
                continue
            heavy = Geometry(heavy.z[order], heavy.pos[order])
        pos[ends[m] - len(graph.z) : ends[m]] = heavy.pos
    bad = np.isin(np.arange(len(ends)), list(reasons))
    return reading._replace(graphs=reading.graphs._replace(pos=pos)).drop(bad, reasons.__getitem__)


def disagreement(graph: HeavyGraph, heavy: Geometry) -> str:
    r"""Why the heavy atoms of a geometry, as they are ordered, cannot be those of a graph; empty if they can."""
    if len(graph.z) != len(heavy.z):
        return f"its graph has {len(graph.z)} heavy atoms, its geometry {len(heavy.z)}"
    if (graph.z != heavy.z).any():
        return "the elements of its graph and of its geometry differ"
    i, j = graph.bonds
    length = np.linalg.norm(heavy.pos[i] - heavy.pos[j], axis=-1)
    stretch = length / (_RADIUS[graph.z[i]] + _RADIUS[graph.z[j]])
    if (stretch <= BOND_STRETCH).all():
        return ""
    longest = int(stretch.argmax())
    return f"the bond between atoms {i[longest]} and {j[longest]} would be {length[longest]:.2f} Å long"


def match_atoms(graph: HeavyGraph, geometry: Geometry) -> list[int] | None:
    r"""For each atom of a graph the heavy atom of a geometry that has its element, hydrogens and neighbours.

    Args:
        graph: The graph.
        geometry: Atoms in space, hydrogens included.

    Returns:
        Positions among the heavy atoms, or ``None`` if the geometry is of another molecule.
    """
    heavy, hydrogens = heavy_atoms(geometry), geometry.pos[geometry.z == _HYDROGEN]
    if len(heavy.z) != len(graph.z):
        return None
    distance = np.linalg.norm(heavy.pos[:, None] - heavy.pos[None], axis=-1)  # [N, N]
    contact = distance < _CONTACT * (_RADIUS[heavy.z][:, None] + _RADIUS[heavy.z][None])
    owner = np.linalg.norm(hydrogens[:, None] - heavy.pos[None], axis=-1).argmin(1)
    bonds = np.stack(np.nonzero(np.triu(contact, k=1)))
    found = HeavyGraph(heavy.z.astype(np.int64), np.bincount(owner, minlength=len(heavy.z)), bonds)
    if found.bonds.shape != graph.bonds.shape:
        return None
    match = _skeleton(found).GetSubstructMatch(_skeleton(graph))
    return list(match) or None


def heavy_atoms(geometry: Geometry) -> Geometry:
    r"""A geometry without its hydrogens."""
    mask = geometry.z != _HYDROGEN
    return Geometry(geometry.z[mask], geometry.pos[mask])


def _skeleton(graph: HeavyGraph) -> Chem.Mol:
    r"""A molecule that RDKit compares by element, number of hydrogens (told by the isotope) and neighbours."""
    mol = Chem.RWMol()
    for z, num_h in zip(graph.z.tolist(), graph.num_h.tolist(), strict=True):
        atom = Chem.Atom(z)
        atom.SetIsotope(1 + num_h)
        mol.AddAtom(atom)
    for i, j in graph.bonds.T.tolist():
        mol.AddBond(i, j, Chem.BondType.SINGLE)
    return mol


def _graphs(reading: Reading) -> Iterator[HeavyGraph]:
    x, edge_index, *_ = reading.graphs
    atom = edge = 0
    for num_atoms, num_edges in zip(reading.graphs.num_atoms.tolist(), reading.graphs.num_edges.tolist(), strict=True):
        atoms, bonds = x[atom : atom + num_atoms], edge_index[:, edge : edge + num_edges : 2]
        yield HeavyGraph(atoms[:, 0] + 1, atoms[:, 4], bonds)
        atom, edge = atom + num_atoms, edge + num_edges
