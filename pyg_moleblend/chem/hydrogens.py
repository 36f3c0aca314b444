r"""Which hydrogens are atoms of the graph."""

from enum import Enum

from rdkit import Chem

from pyg_moleblend.chem.errors import MoleculeError


class Hydrogens(str, Enum):
    r"""What is done with hydrogens before a molecule becomes a graph. Strings (``"remove"``) are accepted.

    * ``REMOVE``: heavy atoms only, as published (arXiv 2307.06235). These are RDKit's rules, so hydrogens
      that carry information stay atoms: isotopes (``[2H]C``), ``[H][H]``, ``[H+]``, and those that define
      the geometry of a double bond.
    * ``KEEP``: the atoms that were given, no more and no fewer.
    * ``ADD``: every hydrogen is an atom.
    """

    REMOVE = "remove"
    KEEP = "keep"
    ADD = "add"

    @classmethod
    def _missing_(cls, value: object) -> "Hydrogens":
        raise ValueError(f"hydrogens must be one of {[item.value for item in cls]}, got {value!r}")


def apply_hydrogens(mol: Chem.Mol, hydrogens: Hydrogens | str = Hydrogens.REMOVE) -> Chem.Mol:
    r"""The molecule with the atoms that the policy asks for; coordinates follow their atoms.

    Added hydrogens are placed by RDKit's ideal geometry where the molecule has coordinates.

    Args:
        mol: A sanitized molecule; it is not modified.
        hydrogens: The policy. (default: :obj:`Hydrogens.REMOVE`)

    Returns:
        A new molecule, or ``mol`` itself where there is nothing to do.

    Raises:
        MoleculeError: If RDKit cannot add or remove the hydrogens.
    """
    hydrogens = Hydrogens(hydrogens)
    try:
        if hydrogens is Hydrogens.ADD:
            return Chem.AddHs(mol, addCoords=mol.GetNumConformers() > 0)
        # RemoveHs sanitizes again, which costs as much as parsing: call it only where there is a hydrogen.
        if hydrogens is Hydrogens.REMOVE and mol.GetNumHeavyAtoms() < mol.GetNumAtoms():
            return Chem.RemoveHs(mol)
    except (RuntimeError, ValueError) as error:
        raise MoleculeError(
            f"molecule with {mol.GetNumAtoms()} atoms",
            f"RDKit cannot {hydrogens.value} its hydrogens: {str(error).strip()}",
            "sanitize it first with rdkit.Chem.SanitizeMol, or pass hydrogens='keep'",
        ) from error
    return mol
