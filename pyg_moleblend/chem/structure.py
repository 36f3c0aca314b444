r"""The same molecule twice, as a SMILES and as a record with coordinates: put together, and checked."""

from typing import Any, Literal

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

Chirality = Literal["smiles", "structure", "none"]
r"""Whose stereochemistry a molecule has that is given twice; see :func:`with_structure`."""

CHIRALITIES: tuple[Chirality, ...] = ("smiles", "structure", "none")

_MAX_MATCHES = 1000

_IMINES: Any = Chem.RemoveHsParameters()
_IMINES.removeDefiningBondStereo = True


class StructureError(ValueError):
    r"""A record with coordinates that is not of the molecule that is meant."""


def with_structure(mol: Chem.Mol, record: Chem.Mol, chirality: Chirality = "smiles") -> Chem.Mol:
    r"""A molecule, its atoms in their order, with the coordinates of a record of the same molecule.

    Both must have one formula, and the same bonds between atoms of the same element, charge and number of hydrogens.
    Where several atoms could be the same, the choice is one that keeps the stereochemistry, if there is one.

    Args:
        mol: The molecule, from a SMILES.
        record: The same molecule with a 3D structure, its atoms in any order, without hydrogens. (RDKit keeps those
            that define the stereochemistry of a double bond, as in imines, where only a structure tells it; they are
            removed where ``mol`` has them not.)
        chirality: ``"smiles"`` keeps the stereochemistry of ``mol``, whatever the structure is; ``"structure"`` takes
            that of ``record``; ``"none"`` has none.

    Returns:
        A new molecule.

    Raises:
        StructureError: If the record is of another molecule or has no 3D structure, with the difference.
        ValueError: If `chirality` is none of these.
    """
    if chirality not in CHIRALITIES:
        raise ValueError(f"`chirality` must be one of {CHIRALITIES}, got {chirality!r}")
    if record.GetNumAtoms() > mol.GetNumAtoms():
        record = Chem.RemoveHs(record, _IMINES)
    order = _match(mol, record)
    # Its atom i is atom order[i] of the record.
    found = Chem.RenumberAtoms(record, order)
    if chirality == "structure":
        return found
    result = Chem.Mol(mol)
    result.RemoveAllConformers()
    result.AddConformer(found.GetConformer(), assignId=True)
    return without_stereo(result) if chirality == "none" else result


def without_stereo(mol: Chem.Mol) -> Chem.Mol:
    r"""A copy of a molecule without any stereochemistry."""
    result = Chem.Mol(mol)
    Chem.RemoveStereochemistry(result)
    return result


def _match(mol: Chem.Mol, record: Chem.Mol) -> list[int]:
    r"""For each atom of the molecule its atom in the record."""
    formulas = [rdMolDescriptors.CalcMolFormula(one) for one in (mol, record)]
    if formulas[0] != formulas[1]:
        raise StructureError(f"its SMILES is {formulas[0]}, its record {formulas[1]}")
    if not record.GetNumConformers() or not record.GetConformer().Is3D():
        raise StructureError("its record has no 3D structure")
    if mol.GetNumAtoms() == record.GetNumAtoms() and mol.GetNumBonds() == record.GetNumBonds():
        wanted, had = _atoms(mol), _atoms(record)
        for use_chirality in (True, False):
            match = record.GetSubstructMatch(mol, useChirality=use_chirality)
            if match and _agrees(wanted, had, match):
                return list(match)
        # RDKit does not compare hydrogens: in pyrazole either nitrogen may be the one that has one.
        for match in record.GetSubstructMatches(mol, uniquify=False, maxMatches=_MAX_MATCHES):
            if _agrees(wanted, had, match):
                return list(match)
    raise StructureError("the bonds of its SMILES and of its record differ")


def _atoms(mol: Chem.Mol) -> list[tuple[int, int]]:
    return [(atom.GetFormalCharge(), atom.GetTotalNumHs()) for atom in mol.GetAtoms()]


def _agrees(wanted: list[tuple[int, int]], had: list[tuple[int, int]], match: tuple[int, ...]) -> bool:
    return all(atom == had[i] for atom, i in zip(wanted, match, strict=True))
