r"""Labels of a molecule by semi-empirical quantum chemistry: what no fingerprint knows.

The method is GFN2-xTB (Bannwarth et al. 2019, doi:10.1021/acs.jctc.8b01176), solvents are ALPB (Ehlert et al. 2021,
doi:10.1021/acs.jctc.1c00471), the program is ``tblite``.
"""

from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from pyg_moleblend.chem.conformers import Conformers, generate_with_hydrogens
from pyg_moleblend.chem.errors import MoleculeError, require_mol
from pyg_moleblend.chem.parse import parse_smiles

BOHR: float = 0.529177210903
r"""Å."""
HARTREE: float = 27.211386245988
r"""eV."""
KCAL: float = 23.060547830619
r"""kcal/mol in an eV."""
DEBYE: float = 2.541746473
r"""Debye in a charge of one electron times one bohr."""

SOLVENTS: tuple[str, ...] = ("water", "octanol", "hexane")

PROPERTIES: tuple[str, ...] = (
    *(f"solvation_{solvent}" for solvent in SOLVENTS),
    "homo",
    "lumo",
    "gap",
    "dipole",
    "atomization",
)
r"""The labels of the molecule, in order. Free energies of solvation in kcal/mol; orbital energies and their gap in eV;
the dipole moment in D, about the centre of nuclear charge; the energy less that of the free atoms, in eV an atom
(hydrogens included). All but the first three in the gas phase. The surface that a solvent sees is summed over a grid:
turning a molecule can change the first three by hundredths."""

CHARGES: tuple[str, ...] = ("charge", "hydrogen_charge")
r"""The labels of an atom, in order: its own charge, and the sum of its added hydrogens', in elementary charges."""

_METHOD = "GFN2-xTB"
_UNPAIRED = (0, 1, 0, 1, 2, 3, 2, 1, 0)  # of a free atom with so many electrons in its outer shell, by Hund's rule
_LEAVE_OUT = "leave the molecule out"


class QuantumLabels(NamedTuple):
    r"""What GFN2-xTB says of one structure of a molecule with N atoms, as they are in the graph.

    Attributes:
        properties: One value for each of :data:`PROPERTIES`, ``[8]``.
        charges: The values of :data:`CHARGES` for each atom, ``[N, 2]``.
        bond_orders: Wiberg-Mayer bond orders of all pairs, ``[N, N]``, 0 on the diagonal.
        cause: Why the structure is not as it was asked for (MMFF94 has no parameters, say); empty if it is.
    """

    properties: NDArray[np.float64]
    charges: NDArray[np.float64]
    bond_orders: NDArray[np.float64]
    cause: str


def quantum_labels(mol: Chem.Mol | str, seed: int = 0, deadline: float = 10.0) -> QuantumLabels:
    r"""Labels of a molecule, on one conformer by ETKDGv3 and MMFF94.

    The conformer is the one that :func:`~pyg_moleblend.chem.generate_conformers` gives with ``optimize=True`` and the
    same seed, with its hydrogens. So labels can be computed again, and go with the coordinates of
    ``AddConformer(seed, optimize=True)``.

    Args:
        mol: A sanitized molecule, which is not modified, or a SMILES; its atoms are the graph's.
        seed: Seed of the user; each molecule derives its own from it. (default: :obj:`0`)
        deadline: Seconds that each attempt at a conformer may take. (default: :obj:`10.0`)

    Raises:
        MoleculeError: If the SMILES cannot be read, there is no conformer, or :func:`quantum_labels_at` fails.
        ImportError: If ``tblite`` is not installed.
    """
    if isinstance(mol, str):
        mol = parse_smiles(mol)
    require_mol(mol, repr(mol))
    require_tblite()
    found = generate_with_hydrogens(mol, Conformers(seed, optimize=True, deadline=deadline))
    if found.method == "none":
        raise MoleculeError(Chem.MolToSmiles(mol), found.cause, _LEAVE_OUT)
    labels = quantum_labels_at(mol, found.positions[0])
    return labels._replace(cause=found.cause)


def quantum_labels_at(mol: Chem.Mol, positions: NDArray[Any]) -> QuantumLabels:
    r"""Labels of a molecule on a structure of one's own, by one calculation in the gas phase and one a solvent.

    Formal charges make the charge, radical electrons the number of unpaired electrons. The orbitals are those of the
    restricted calculation, also in a radical.

    Args:
        mol: A sanitized molecule; it is not modified.
        positions: Coordinates in Å ``[N + H, 3]``: those of its atoms, and of the hydrogens in the order of
            ``Chem.AddHs(mol)``.

    Raises:
        MoleculeError: If an element has no parameters, the electrons do not go with the number of unpaired ones, or
            the calculation does not converge.
        ValueError: If there are not as many positions as atoms, or one is not finite.
        ImportError: If ``tblite`` is not installed.
    """
    require_mol(mol, repr(mol))
    whole = Chem.AddHs(mol)
    if positions.shape != (whole.GetNumAtoms(), 3) or not np.isfinite(positions).all():
        raise ValueError(
            f"expected {whole.GetNumAtoms()} finite positions, those of `Chem.AddHs(mol)`, got shape "
            f"{tuple(positions.shape)}; keep the hydrogens, or let quantum_labels find a conformer"
        )
    numbers = np.array([atom.GetAtomicNum() for atom in whole.GetAtoms()])
    charge = Chem.GetFormalCharge(whole)
    unpaired = sum(atom.GetNumRadicalElectrons() for atom in whole.GetAtoms())
    if not _fits(int(numbers.sum()) - charge, unpaired):
        reason = f"{numbers.sum() - charge} electrons of which {unpaired} are unpaired are impossible"
        raise MoleculeError(Chem.MolToSmiles(mol), reason, "correct its charges and radicals, or leave it out")
    coordinates = positions.astype(np.float64) / BOHR
    try:
        gas = _single_point(numbers, coordinates, charge, unpaired)
        solvated = gas  # each solvent starts from the one before: fewer steps to the same end
        energies = {}
        for solvent in reversed(SOLVENTS):  # from the least polar
            solvated = _single_point(numbers, coordinates, charge, unpaired, solvent, solvated)
            energies[solvent] = solvated["energy"]
        free = sum(_free_atom(int(number)) for number in numbers)
    except _tblite_errors() as error:
        raise MoleculeError(Chem.MolToSmiles(mol), f"{_METHOD}: {_one_line(error)}", _LEAVE_OUT) from error
    homo, lumo = _frontier(gas, unpaired)
    properties = [
        *((energies[solvent] - gas["energy"]) * HARTREE * KCAL for solvent in SOLVENTS),
        homo,
        lumo,
        lumo - homo,
        _dipole(gas, numbers, coordinates, charge),
        (gas["energy"] - free) * HARTREE / len(numbers),
    ]
    size, atoms = mol.GetNumAtoms(), len(numbers)
    # In a radical a second matrix follows, that of the spin density.
    bond_orders = np.ravel(gas["bond-orders"])[: atoms * atoms].reshape(atoms, atoms)
    return QuantumLabels(np.array(properties), _charges(gas, whole, size), bond_orders[:size, :size].copy(), "")


def require_tblite() -> ModuleType:
    r"""``tblite.interface``.

    Raises:
        ImportError: If it is not installed, with what to do.
    """
    try:
        from tblite import interface
    except ImportError as error:
        raise ImportError("quantum labels need the package tblite: pip install 'pyg-moleblend[quantum]'") from error
    return interface


def _single_point(
    numbers: NDArray[Any],
    coordinates: NDArray[np.float64],
    charge: int,
    unpaired: int,
    solvent: str | None = None,
    start: Any = None,
) -> Any:
    calculator = require_tblite().Calculator(_METHOD, numbers, coordinates, charge, unpaired)
    calculator.set("verbosity", 0)
    if solvent is not None:
        calculator.add("alpb-solvation", solvent)
    return calculator.singlepoint(start, copy=True)


@cache
def _free_atom(number: int) -> float:
    r"""Energy of a free neutral atom in Hartree."""
    outer = Chem.GetPeriodicTable().GetNOuterElecs(number)
    unpaired = _UNPAIRED[outer] if outer < len(_UNPAIRED) and _fits(number, _UNPAIRED[outer]) else number % 2
    return float(_single_point(np.array([number]), np.zeros((1, 3)), 0, unpaired)["energy"])


def _frontier(result: Any, unpaired: int) -> tuple[float, float]:
    r"""Highest occupied and lowest unoccupied orbital in eV; NaN for one that the minimal basis does not have."""
    orbitals = np.ravel(result["orbital-energies"]) * HARTREE
    occupied = (round(float(np.sum(result["orbital-occupations"]))) + unpaired) // 2
    return (
        float(orbitals[occupied - 1]) if occupied > 0 else np.nan,
        float(orbitals[occupied]) if occupied < len(orbitals) else np.nan,
    )


def _dipole(result: Any, numbers: NDArray[Any], coordinates: NDArray[np.float64], charge: int) -> float:
    # An ion's dipole depends on the origin; about the centre of nuclear charge it does not depend on where the ion is.
    centre = numbers @ coordinates / numbers.sum()
    return float(np.linalg.norm(result["dipole"] - charge * centre)) * DEBYE


def _charges(result: Any, whole: Chem.Mol, size: int) -> NDArray[np.float64]:
    charges = np.zeros((size, len(CHARGES)))
    for number, charge in enumerate(result["charges"]):
        if number < size:
            charges[number, 0] = charge
        else:
            charges[whole.GetAtomWithIdx(number).GetNeighbors()[0].GetIdx(), 1] += charge
    return charges


def _fits(electrons: int, unpaired: int) -> bool:
    return unpaired <= electrons and (electrons - unpaired) % 2 == 0


def _tblite_errors() -> tuple[type[Exception], ...]:
    from tblite.exceptions import TBLiteRuntimeError, TBLiteValueError

    return (TBLiteRuntimeError, TBLiteValueError)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
