r"""Which molecules belong into the corpus."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from rdkit import Chem

ELEMENTS = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I")
r"""The elements of drug-like molecules, and of the quantum-chemical methods that label them."""

REASONS = ("fragments", "size", "elements", "isotopes", "radicals", "charge")
r"""Why a molecule may be refused; the first that applies counts."""


@dataclass(frozen=True)
class Rules:
    r"""One connected molecule of common elements, neither a radical nor labelled, and at most singly charged.

    A salt is refused, not stripped: its parent is most often in the same source anyway. Charges are left as the source
    writes them, for a model will meet them so.

    Args:
        min_heavy_atoms: The smallest number of heavy atoms.
        max_heavy_atoms: The largest number of heavy atoms.
        max_charge: The largest net charge, positive or negative, in elementary charges.
        elements: Symbols of the elements that may occur.

    Raises:
        ValueError: If no molecule could satisfy the rules.
    """

    min_heavy_atoms: int = 2
    max_heavy_atoms: int = 60
    max_charge: int = 1
    elements: tuple[str, ...] = ELEMENTS

    def __post_init__(self) -> None:
        if not 1 <= self.min_heavy_atoms <= self.max_heavy_atoms:
            raise ValueError(
                "heavy atoms must be allowed from at least 1 to at least as many, got "
                f"{self.min_heavy_atoms} to {self.max_heavy_atoms}"
            )
        if self.max_charge < 0:
            raise ValueError(f"`max_charge` must not be negative, got {self.max_charge}")

    def refusal(self, mol: Chem.Mol) -> str:
        r"""Why a sanitized molecule is refused, one of :data:`REASONS`; empty if it is not."""
        if len(Chem.GetMolFrags(mol)) != 1:
            return "fragments"
        if not self.min_heavy_atoms <= mol.GetNumHeavyAtoms() <= self.max_heavy_atoms:
            return "size"
        elements = isotopes = radicals = False
        charge = 0
        for atom in mol.GetAtoms():
            elements |= atom.GetAtomicNum() not in self._numbers
            isotopes |= atom.GetIsotope() != 0
            radicals |= atom.GetNumRadicalElectrons() != 0
            charge += atom.GetFormalCharge()
        found = (False, False, elements, isotopes, radicals, abs(charge) > self.max_charge)
        return next((reason for reason, applies in zip(REASONS, found, strict=True) if applies), "")

    def to_dict(self) -> dict[str, Any]:
        r"""The rules as JSON."""
        return {**asdict(self), "elements": list(self.elements)}

    @cached_property
    def _numbers(self) -> frozenset[int]:
        table = Chem.GetPeriodicTable()
        return frozenset(table.GetAtomicNumber(symbol) for symbol in self.elements)
