r"""What QM9 says of a molecule: names, units, and the reference energies of its atoms.

Source: Ramakrishnan, Dral, Rupp, von Lilienfeld, "Quantum chemistry structures and properties of 134 kilo
molecules", Scientific Data 1, 140022 (2014); B3LYP/6-31G(2df,p).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

HARTREE: float = 27.211386246
r"""One Hartree in eV, PyG's value."""

ELEMENTS: tuple[int, ...] = (1, 6, 7, 8, 9)
r"""Atomic numbers of QM9's elements: H, C, N, O, F."""


class Target(NamedTuple):
    r"""One property of a molecule.

    Attributes:
        name: Its name in the field.
        unit: The unit of ``y``.
        factor: Multiplies the raw files' value to give that unit.
        package_column: Its column in the package ``qm9pack``.
        raw_column: Its column in ``gdb9.sdf.csv``.
        atoms: Energies in Hartree of the free atoms of :data:`ELEMENTS`; zeros where nothing is subtracted.
    """

    name: str
    unit: str
    factor: float
    package_column: str
    raw_column: str
    atoms: tuple[float, ...] = (0.0,) * len(ELEMENTS)


_U0 = (-0.500273, -37.846772, -54.583861, -75.064579, -99.718730)
_U = (-0.498857, -37.845355, -54.582445, -75.063163, -99.717314)
_H = (-0.497912, -37.844411, -54.581501, -75.062219, -99.716370)
_G = (-0.510927, -37.861317, -54.598897, -75.079532, -99.733544)

TARGETS: tuple[Target, ...] = (
    Target("mu", "D", 1.0, "Dipole_debye", "mu"),
    Target("alpha", "bohr^3", 1.0, "Polarizability_bohr3", "alpha"),
    Target("homo", "eV", HARTREE, "HOMO_au", "homo"),
    Target("lumo", "eV", HARTREE, "LUMO_au", "lumo"),
    Target("gap", "eV", HARTREE, "HOMO_LUMO_gap_au", "gap"),
    Target("r2", "bohr^2", 1.0, "R2_bohr2", "r2"),
    Target("zpve", "eV", HARTREE, "ZPVE_au", "zpve"),
    Target("U0", "eV", HARTREE, "InternalEnergy_0K_au", "u0", _U0),
    Target("U", "eV", HARTREE, "InternalEnergy_298K_au", "u298", _U),
    Target("H", "eV", HARTREE, "Enthalphy_298K_au", "h298", _H),
    Target("G", "eV", HARTREE, "GibbsFreeEnergy_298K_au", "g298", _G),
    Target("cv", "cal/(mol K)", 1.0, "Heatcapacity_Cv_cal_mol_K", "cv"),
)
r"""The 12 standard targets, in PyG's order."""


def target_named(name: str) -> Target:
    r"""The target of this name."""
    return next(target for target in TARGETS if target.name == name)


def atom_reference(targets: Sequence[Target] = TARGETS) -> Tensor:
    r"""Energies of the free atoms in the targets' units, float64 ``[T, 5]``, columns as :data:`ELEMENTS`."""
    return torch.tensor([target.atoms for target in targets], dtype=torch.float64) * factors(targets)[:, None]


def factors(targets: Sequence[Target] = TARGETS) -> Tensor:
    r"""From the raw files' units to those of ``y``, float64 ``[T]``."""
    return torch.tensor([target.factor for target in targets], dtype=torch.float64)
