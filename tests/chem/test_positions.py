import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor

from pyg_moleblend.chem import MoleculeError, featurize
from pyg_moleblend.chem.positions import structure_of


def mol_with(positions: list[list[float]], is_3d: bool = True) -> Chem.Mol:
    mol = Chem.MolFromSmiles("C" * len(positions))
    conformer = Chem.Conformer(len(positions))
    conformer.SetPositions(np.array(positions, dtype=float))
    conformer.Set3D(is_3d)
    mol.AddConformer(conformer)
    return mol


def test_takes_a_3d_conformer() -> None:
    given = [[0.0, 0.0, 0.0], [1.5, 0.0, 0.25]]
    assert structure_of(mol_with(given), "it").tolist() == given


def test_planar_molecule_is_3d() -> None:
    assert structure_of(mol_with([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0]]), "it") is not None


def test_single_atom_at_the_origin_is_3d() -> None:
    assert structure_of(mol_with([[0.0, 0.0, 0.0]]), "it").tolist() == [[0.0, 0.0, 0.0]]


def test_takes_the_first_conformer() -> None:
    mol = mol_with([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0]])
    mol.AddConformer(mol_with([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]]).GetConformer(), assignId=True)
    assert structure_of(mol, "it")[1, 0] == 1.5


def test_none_without_a_3d_structure() -> None:
    depicted = Chem.MolFromSmiles("CCO")
    rdDepictor.Compute2DCoords(depicted)
    assert structure_of(Chem.MolFromSmiles("CCO"), "it") is None
    assert structure_of(depicted, "it") is None
    assert structure_of(mol_with([[0.0] * 3] * 2), "it") is None
    assert structure_of(mol_with([[1.0, 2.0, 3.0]] * 3), "it") is None
    assert structure_of(mol_with([[np.nan] * 3] * 2, is_3d=False), "it") is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_coordinate_that_is_not_finite_names_the_atom(value: float) -> None:
    mol = mol_with([[0.0, 0.0, 0.0], [1.5, value, 0.0]])
    with pytest.raises(MoleculeError, match=r"atom 1 \(C\) has a coordinate that is not finite") as caught:
        featurize([Chem.MolFromSmiles("C"), mol])
    assert caught.value.input == "number 1 of the molecules"


def test_mixed_chunk_has_nan_rows_where_there_is_no_structure() -> None:
    mols = [Chem.MolFromSmiles("CC"), mol_with([[0.0, 0.0, 0.0], [1.5, 0.0, 0.1]]), Chem.MolFromSmiles("C")]
    pos = featurize(mols).pos
    assert pos.dtype == np.float32
    assert np.isnan(pos).all(axis=1).tolist() == [True, True, False, False, True]
    np.testing.assert_array_equal(pos[2:4], np.array([[0, 0, 0], [1.5, 0, 0.1]], dtype=np.float32))
