r"""The shape of a 3D structure: what follows from masses, radii and coordinates alone, without bonds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem.descriptors import value_or_nan
from pyg_moleblend.chem.rdkit_log import LOG_LOCK, SilencedLog

SHAPE_DESCRIPTORS: tuple[str, ...] = (
    "PMI1",
    "PMI2",
    "PMI3",
    "NPR1",
    "NPR2",
    "RadiusOfGyration",
    "InertialShapeFactor",
    "Eccentricity",
    "Asphericity",
    "SpherocityIndex",
    "PBF",
)
r"""RDKit's descriptors of a shape; moments of inertia in g/mol Å², lengths in Å."""

_FEWEST = 3  # atoms; of fewer, some of RDKit's are 0/0


def shape_descriptors(numbers: NDArray[np.int64], positions: NDArray[np.float32]) -> NDArray[np.float32]:
    r"""Descriptors of a 3D structure, ``[11]`` float32 in the order of :data:`SHAPE_DESCRIPTORS`.

    Hydrogens count where they are among the atoms, and nowhere else.

    Args:
        numbers: Atomic number of each atom, ``[N]``; 0 weighs nothing.
        positions: Coordinates in Å, ``[N, 3]``.

    Returns:
        NaN where there are fewer than three atoms, a coordinate is not finite, or RDKit has no number.

    Raises:
        ValueError: If there are not as many positions as atoms.
    """
    from rdkit.Chem import Descriptors3D

    if len(numbers) < _FEWEST or not np.isfinite(positions).all():
        return np.full(len(SHAPE_DESCRIPTORS), np.nan, dtype=np.float32)
    functions = dict(Descriptors3D.descList)
    mol = cloud(numbers, positions)
    with LOG_LOCK, SilencedLog():
        values = np.array([value_or_nan(functions[name], mol) for name in SHAPE_DESCRIPTORS])
    return np.where(np.isfinite(values), values, np.nan).astype(np.float32)


def cloud(numbers: NDArray[np.int64], positions: NDArray[np.float32]) -> Chem.Mol:
    r"""A molecule of atoms at their places, without bonds.

    Args:
        numbers: Atomic number of each atom, ``[N]``.
        positions: Coordinates in Å, ``[N, 3]``.

    Raises:
        ValueError: If there are not as many positions as atoms.
    """
    if np.shape(positions) != (len(numbers), 3):
        raise ValueError(f"{len(numbers)} atoms need coordinates [{len(numbers)}, 3], got {list(np.shape(positions))}")
    mol = Chem.RWMol()
    for number in numbers.tolist():
        atom = Chem.Atom(number)
        atom.SetNoImplicit(True)
        mol.AddAtom(atom)
    mol.UpdatePropertyCache(strict=False)
    conformer = Chem.Conformer(len(numbers))
    conformer.SetPositions(np.asarray(positions, dtype=np.float64))
    mol.AddConformer(conformer)
    return mol.GetMol()
