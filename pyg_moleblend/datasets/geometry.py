r"""Coordinates from one file, graphs from another: put together, and checked atom by atom."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.datasets.reading import Reading

BOND_STRETCH: float = 1.3
r"""A bond may be this many times as long as the sum of its atoms' covalent radii, and no longer."""

_HYDROGEN = 1


class Geometry(NamedTuple):
    r"""Atoms of one molecule in space.

    Attributes:
        z: Atomic numbers, ``[N]``.
        pos: Coordinates in Å, ``[N, 3]``.
    """

    z: NDArray[np.uint8]
    pos: NDArray[np.float32]


def attach_geometries(reading: Reading, geometries: Sequence[Geometry]) -> Reading:
    r"""Gives molecules the coordinates of their heavy atoms.

    The heavy atoms of both must be in the same order. A molecule whose atoms differ from those of its
    geometry, or a bond of which would be longer than :data:`BOND_STRETCH` allows, becomes a failure.

    Args:
        reading: Molecules of heavy atoms.
        geometries: A geometry for each row that was read, with or without hydrogens.
    """
    heavy = [_heavy(geometries[row]) for row in reading.rows.tolist()]
    sizes = np.array([len(geometry.z) for geometry in heavy], dtype=np.int64)
    wanted = reading.graphs.num_atoms
    wrong_size = sizes != wanted
    reason = "its graph has {} heavy atoms, its geometry {}"
    fitting = reading.drop(wrong_size, lambda m: reason.format(wanted[m], sizes[m]))
    heavy = [geometry for geometry, wrong in zip(heavy, wrong_size, strict=True) if not wrong]

    pos = np.concatenate([np.empty((0, 3), np.float32), *(geometry.pos for geometry in heavy)])
    z = np.concatenate([np.empty(0, np.uint8), *(geometry.z for geometry in heavy)])
    fitting = fitting._replace(graphs=fitting.graphs._replace(pos=pos.astype(np.float32)))
    atoms_differ = _any(fitting.graphs.x[:, 0] + 1 != z, fitting.graphs.num_atoms)
    fitting = fitting.drop(atoms_differ, lambda m: "the elements of its graph and of its geometry differ")
    stretched = _any(~(_stretch(fitting) <= BOND_STRETCH), fitting.graphs.num_edges)
    return fitting.drop(stretched, lambda m: "a bond is too long: its graph and its geometry do not agree")


def _heavy(geometry: Geometry) -> Geometry:
    mask = geometry.z != _HYDROGEN
    return Geometry(geometry.z[mask], geometry.pos[mask])


def _stretch(reading: Reading) -> NDArray[np.float64]:
    r"""Length of every bond over the sum of its atoms' covalent radii, ``[ΣE]``."""
    graphs = reading.graphs
    first_atom = np.cumsum(graphs.num_atoms) - graphs.num_atoms
    source, target = graphs.edge_index + np.repeat(first_atom, graphs.num_edges)
    table = Chem.GetPeriodicTable()
    radius = np.array([table.GetRcovalent(z) for z in range(1, 119)] + [np.nan])[graphs.x[:, 0]]
    length = np.linalg.norm(graphs.pos[source].astype(np.float64) - graphs.pos[target], axis=-1)
    return length / (radius[source] + radius[target])


def _any(bad: NDArray[np.bool_], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    r"""Whether any of a molecule's items is bad, ``[M]``, from flat items and their number a molecule."""
    molecule = np.repeat(np.arange(len(counts)), counts)
    return np.bincount(molecule[bad], minlength=len(counts)) > 0
