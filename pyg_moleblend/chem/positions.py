r"""Coordinates of RDKit molecules, and the rule that says which of them are a 3D structure."""

import numpy as np
from rdkit.Chem import Mol

from pyg_moleblend.chem.errors import MoleculeError


def structure_of(mol: Mol, name: str) -> np.ndarray | None:
    r"""Coordinates of the first conformer if it is a 3D structure.

    It is one if RDKit flags it as 3D and, in a molecule of two atoms and more, not all atoms lie on one
    point: a depiction and a block of zeros are no structure. A planar molecule may well have ``z = 0``
    throughout.

    Args:
        mol: The molecule.
        name: What to call it in an error.

    Returns:
        ``[N, 3]`` float64 coordinates in Å, or ``None`` without a 3D structure.

    Raises:
        MoleculeError: If the conformer is flagged as 3D and a coordinate is not finite.
    """
    if not mol.GetNumConformers():
        return None
    conformer = mol.GetConformer()
    if not conformer.Is3D():
        return None
    structure = conformer.GetPositions()  # [N, 3]
    bad = np.flatnonzero(~np.isfinite(structure).all(axis=1))
    if len(bad):
        atom = mol.GetAtomWithIdx(int(bad[0]))
        at = structure[bad[0]].tolist()
        raise MoleculeError(
            name,
            f"atom {bad[0]} ({atom.GetSymbol()}) has a coordinate that is not finite: {at}",
            "correct the coordinates, or remove them with mol.RemoveAllConformers()",
        )
    if len(structure) > 1 and (structure == structure[0]).all():
        return None
    return structure
