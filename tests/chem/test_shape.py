import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors3D, rdMolDescriptors, rdShapeAlign

from pyg_moleblend.chem import (
    SHAPE_DESCRIPTORS,
    generate_conformer,
    parse_smiles,
    shape_descriptors,
    shape_tanimoto,
    usr,
)
from pyg_moleblend.chem.shape import Reference, cloud


def atoms_of(mol: Chem.Mol) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    return numbers, mol.GetConformer().GetPositions().astype(np.float32)


@pytest.mark.parametrize("smiles", ["CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O", "BrCCI", "c1ccccc1", "CCO"])
def test_bonds_do_not_matter(smiles: str):
    mol = generate_conformer(parse_smiles(smiles))
    found = dict(zip(SHAPE_DESCRIPTORS, shape_descriptors(*atoms_of(mol)), strict=True))
    for name, function in Descriptors3D.descList:
        assert found[name] == pytest.approx(function(mol), rel=1e-4, abs=1e-4), name


def test_moments_of_inertia_by_numpy():
    numbers, positions = np.array([6, 8, 7, 1]), np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    masses = np.array([Chem.GetPeriodicTable().GetAtomicWeight(int(number)) for number in numbers])
    centred = positions - (masses[:, None] * positions).sum(0) / masses.sum()
    tensor = sum(m * (r @ r * np.eye(3) - np.outer(r, r)) for m, r in zip(masses, centred, strict=True))
    np.testing.assert_allclose(shape_descriptors(numbers, positions)[:3], np.linalg.eigvalsh(tensor), rtol=1e-4)


def test_rotation_changes_nothing():
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(9, 3))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    numbers = np.full(9, 6)
    moved = shape_descriptors(numbers, (positions @ rotation + 3).astype(np.float32))
    np.testing.assert_allclose(moved, shape_descriptors(numbers, positions.astype(np.float32)), rtol=1e-3)


def test_usr_by_numpy():
    r"""Mean, deviation and the cube root of the skewness of distances: to the centre, to the atoms nearest to it and
    farthest from it, and to the atom farthest from that."""
    positions = np.random.default_rng(0).normal(size=(9, 3))
    centre = positions.mean(0)
    away = np.linalg.norm(positions - centre, axis=1)
    far = positions[away.argmax()]
    farthest = positions[np.linalg.norm(positions - far, axis=1).argmax()]
    expected = []
    for point in (centre, positions[away.argmin()], far, farthest):
        distances = np.linalg.norm(positions - point, axis=1)
        third = ((distances - distances.mean()) ** 3).mean()
        expected += [distances.mean(), distances.std(), np.cbrt(third) / distances.std()]
    np.testing.assert_allclose(usr(np.full(9, 6), positions.astype(np.float32)), expected, rtol=1e-3, atol=1e-3)


def test_a_shape_fits_itself_however_it_is_turned():
    mols = [generate_conformer(parse_smiles(smiles)) for smiles in ("CC(C)Cc1ccccc1", "CCO", "c1ccncc1C#N")]
    atoms = [atoms_of(mol) for mol in mols]
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    rotation *= np.linalg.det(rotation)
    numbers, positions = atoms[0]
    found = shape_tanimoto(numbers, (positions @ rotation + 5).astype(np.float32), [Reference(*a) for a in atoms])
    assert found[0] == pytest.approx(1, abs=0.01)
    for value, mol in zip(found[1:], mols[1:], strict=True):
        expected = rdShapeAlign.AlignMol(mol, Chem.Mol(mols[0]), useColors=False)[0]
        assert value == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("size", [1, 2])
def test_too_few_atoms_have_no_shape(size: int):
    for function in (shape_descriptors, usr):
        assert np.isnan(function(np.full(size, 6), np.zeros((size, 3), np.float32))).all()


def test_unknown_coordinates_have_no_shape():
    positions = np.zeros((5, 3), np.float32)
    positions[2, 1] = np.nan
    assert np.isnan(shape_descriptors(np.full(5, 6), positions)).all()


def test_each_atom_has_a_place():
    with pytest.raises(ValueError, match=r"4 atoms need coordinates \[4, 3\], got \[5, 3\]"):
        shape_descriptors(np.full(4, 6), np.zeros((5, 3), np.float32))


def test_a_cloud_has_the_atoms_and_no_bonds():
    mol = cloud(np.array([6, 0, 92]), np.arange(9, dtype=np.float32).reshape(3, 3))
    assert [atom.GetAtomicNum() for atom in mol.GetAtoms()] == [6, 0, 92]
    assert mol.GetNumBonds() == 0
    assert rdMolDescriptors.CalcExactMolWt(mol) == pytest.approx(12 + 238.05, abs=0.01)
    np.testing.assert_array_equal(mol.GetConformer().GetPositions().ravel(), np.arange(9))
