r"""The shape of a 3D structure: what follows from masses, radii and coordinates alone, without bonds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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

USR_SIZE: int = 12

_FEWEST = 3  # atoms; of fewer, some of these numbers are 0/0


class Reference(NamedTuple):
    r"""A 3D structure that others are compared with.

    Attributes:
        numbers: Atomic number of each atom, ``[N]``.
        positions: Coordinates in Å, ``[N, 3]``.
    """

    numbers: NDArray[np.int64]
    positions: NDArray[np.float32]


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

    if not _has_shape(numbers, positions):
        return np.full(len(SHAPE_DESCRIPTORS), np.nan, dtype=np.float32)
    functions = dict(Descriptors3D.descList)
    mol = cloud(numbers, positions)
    with LOG_LOCK, SilencedLog():
        values = np.array([value_or_nan(functions[name], mol) for name in SHAPE_DESCRIPTORS])
    return np.where(np.isfinite(values), values, np.nan).astype(np.float32)


def usr(numbers: NDArray[np.int64], positions: NDArray[np.float32]) -> NDArray[np.float32]:
    r"""Ultrafast shape recognition (Ballester and Richards 2007, doi:10.1002/jcc.20681), ``[12]`` float32: mean and
    standard deviation in Å and the cube root of the skewness of the distances to each of four points. All atoms weigh
    the same.

    Two structures are ``1 / (1 + mean |a - b|)`` alike. Arguments and exceptions as for :func:`shape_descriptors`.
    """
    from rdkit.Chem import rdMolDescriptors

    if not _has_shape(numbers, positions):
        return np.full(USR_SIZE, np.nan, dtype=np.float32)
    with LOG_LOCK, SilencedLog():
        return np.array(rdMolDescriptors.GetUSR(cloud(numbers, positions)), dtype=np.float32)


def shape_tanimoto(
    numbers: NDArray[np.int64], positions: NDArray[np.float32], references: Sequence[Reference]
) -> NDArray[np.float32]:
    r"""Tanimoto similarity of the Gaussian volumes of a structure and of each of R others, each laid over it as well as
    RDKit's ``rdShapeAlign`` can, ``[R]`` float32 from 0 to 1; about 0.3 ms each.

    Arguments, exceptions and unknown values as for :func:`shape_descriptors`.
    """
    from rdkit.Chem import rdShapeAlign

    if not _has_shape(numbers, positions):
        return np.full(len(references), np.nan, dtype=np.float32)
    with LOG_LOCK, SilencedLog():
        probe = cloud(numbers, positions)
        scores = [
            rdShapeAlign.AlignMol(cloud(*reference), Chem.Mol(probe), useColors=False)[0] for reference in references
        ]
    return np.array(scores, dtype=np.float32)


def cloud(numbers: NDArray[np.int64], positions: NDArray[np.float32]) -> Chem.Mol:
    r"""A molecule of atoms at their places, without bonds.

    Args:
        numbers: Atomic number of each atom, ``[N]``.
        positions: Coordinates in Å, ``[N, 3]``.
    """
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


def _has_shape(numbers: NDArray[np.int64], positions: NDArray[np.float32]) -> bool:
    if np.shape(positions) != (len(numbers), 3):
        raise ValueError(f"{len(numbers)} atoms need coordinates [{len(numbers)}, 3], got {list(np.shape(positions))}")
    return len(numbers) >= _FEWEST and bool(np.isfinite(positions).all())
