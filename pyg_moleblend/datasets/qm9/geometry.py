r"""Coordinates from one file, graphs from another: put together, and checked atom by atom."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem import MoleculeGraph
from pyg_moleblend.chem.match import skeleton
from pyg_moleblend.datasets.io.reading import Reading

BOND_STRETCH: float = 1.5
r"""A bond may be this many times as long as the sum of its atoms' covalent radii. In QM9 the longest is 1.44 times
as long, in two strained cages; all others are below 1.30."""

_CONTACT = 1.3
_HYDROGEN = 1
_HYDROGENS = 64  # more than any atom has
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
    reasons: dict[int, str] = {}
    for m, (molecule, row) in enumerate(zip(reading.graphs.each(), reading.rows.tolist(), strict=True)):
        graph, heavy = heavy_graph(molecule), heavy_atoms(geometries[row])
        reason = disagreement(graph, heavy)
        if reason:
            order = order_by_contacts(graph, geometries[row])
            if order is None:
                reasons[m] = reason
                continue
            heavy = Geometry(heavy.z[order], heavy.pos[order])
        pos[molecule.atoms] = heavy.pos
    bad = np.isin(np.arange(len(reading.rows)), list(reasons))
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


def order_by_contacts(graph: HeavyGraph, geometry: Geometry) -> list[int] | None:
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


def heavy_graph(molecule: MoleculeGraph) -> HeavyGraph:
    r"""What the graph of a molecule of heavy atoms says of its geometry."""
    return HeavyGraph(molecule.x[:, 0] + 1, molecule.x[:, 4], molecule.edge_index[:, ::2])


def heavy_atoms(geometry: Geometry) -> Geometry:
    r"""A geometry without its hydrogens."""
    mask = geometry.z != _HYDROGEN
    return Geometry(geometry.z[mask], geometry.pos[mask])


def _skeleton(graph: HeavyGraph) -> Chem.Mol:
    r"""Atoms are told apart by element and number of hydrogens."""
    return skeleton((_HYDROGENS * graph.z + graph.num_h).tolist(), graph.bonds.T.tolist())
