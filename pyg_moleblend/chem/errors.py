r"""The one error of everything that reads a molecule."""

from rdkit.Chem import Mol

SHOWN_CHARACTERS: int = 80
r"""Longer inputs are cut to this many characters in messages; :attr:`MoleculeError.input` is complete."""


class MoleculeError(ValueError):
    r"""A molecule that cannot be used: what was given, why not, and what to do about it.

    The arguments are kept as they are, so that a caller can report the row and go on, and the error can be
    sent between processes.

    Args:
        input: The SMILES, molblock or description of the molecule, as it was given.
        reason: Why it cannot be used, in RDKit's words where RDKit said it.
        remedy: What the caller can do.
    """

    def __init__(self, input: str, reason: str, remedy: str) -> None:
        super().__init__(input, reason, remedy)
        self.input = input
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        shown = self.input if len(self.input) <= SHOWN_CHARACTERS else f"{self.input[:SHOWN_CHARACTERS]}..."
        return f"cannot use molecule {shown!r}: {self.reason}; {self.remedy}"


def require_mol(mol: object, name: str) -> None:
    r"""Raises a :class:`MoleculeError` if an object is not an RDKit molecule with atoms.

    Args:
        mol: The object.
        name: What to call it in the error.
    """
    if not isinstance(mol, Mol):
        raise MoleculeError(
            name,
            f"expected an rdkit.Chem.Mol, got {type(mol).__name__}",
            "parse with pyg_moleblend.chem.parse_smiles, which says why a molecule cannot be read",
        )
    if mol.GetNumAtoms() == 0:
        raise MoleculeError(name, "it has no atoms", "leave the molecule out")
