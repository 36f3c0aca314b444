import numpy as np
import pytest
import torch
from rdkit.Chem import rdShapeAlign
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import (
    MoleculeError,
    from_mol,
    from_smiles,
    generate_conformer,
    parse_smiles,
    shape_descriptors,
    usr,
)
from pyg_moleblend.fields import FIELDS
from pyg_moleblend.transforms import AddShape

SMILES = "CC(C)Cc1ccccc1"
REFERENCES = ["c1ccccc1", "CCO", SMILES]


def test_fields_are_those_of_the_atoms_and_coordinates():
    mol = generate_conformer(parse_smiles(SMILES))
    data = AddShape()(from_mol(mol))
    numbers, pos = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()]), data.pos.numpy()
    assert data.shape_descriptors.tolist() == [shape_descriptors(numbers, pos).tolist()]
    assert data.usr.tolist() == [usr(numbers, pos).tolist()]
    for name in ("shape_descriptors", "usr"):
        assert data[name].shape == (1, FIELDS[name].size)
    assert "shape_similarity" not in data


def test_similarities_are_rdkit_s_of_whole_molecules():
    r"""Bonds, which the transform does not look at, make no difference."""
    mol = generate_conformer(parse_smiles(SMILES))
    data = AddShape(REFERENCES, seed=0)(from_mol(mol))
    expected = []
    for smiles in REFERENCES:
        reference = generate_conformer(parse_smiles(smiles), 0)
        expected.append(rdShapeAlign.AlignMol(reference, generate_conformer(parse_smiles(SMILES)), useColors=False)[0])
    assert data.shape_similarity.shape == (1, 3)
    assert data.shape_similarity[0].tolist() == pytest.approx(expected, abs=0.01)
    assert data.shape_similarity[0, 2] == pytest.approx(1, abs=1e-3)


def test_no_coordinates_no_shape():
    transform = AddShape(["CCO"])
    flat = from_smiles(SMILES)
    partly = flat.clone()
    partly.pos = torch.zeros(partly.num_nodes, 3)
    partly.pos[3] = torch.nan
    small = Data(x=flat.x[:2], pos=torch.randn(2, 3))
    for data in (flat, partly, small):
        for name in ("shape_descriptors", "usr", "shape_similarity"):
            assert transform(data)[name].isnan().all()


def test_an_element_outside_ogb_s_vocabulary_is_an_atom_too():
    data = from_mol(generate_conformer(parse_smiles("CCCC")))
    expected = AddShape()(data)
    data.x = data.x.clone()
    data.x[0, 0] = 118
    found = AddShape()(data)
    assert found.shape_descriptors.isfinite().all()
    assert torch.equal(found.usr, expected.usr)


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="`references` must be a list of SMILES, got 'CCO'"):
        AddShape("CCO")
    with pytest.raises(ValueError, match="at least three atoms to have a shape, got 'CC'"):
        AddShape(["CC"])
    with pytest.raises(MoleculeError):
        AddShape(["C(C"])
    with pytest.raises(ValueError, match="AddShape needs `x`"):
        AddShape()(Data(pos=torch.zeros(3, 3)))


def test_repr_has_all_arguments():
    assert str(AddShape(["CCO"], 3)) == "AddShape(references=['CCO'], seed=3)"


def test_coordinates_that_are_not_to_be_used_are_no_shape():
    data = from_mol(generate_conformer(parse_smiles(SMILES)))
    assert AddShape(["CCO"])(data.clone()).shape_similarity.isfinite().all()
    data.has_pos = torch.tensor([False])
    data = AddShape(["CCO"])(data)
    for name in ("shape_descriptors", "usr", "shape_similarity"):
        assert data[name].isnan().all()


def test_a_batch_is_refused():
    with pytest.raises(ValueError, match="AddShape takes a single molecule, got a batch"):
        AddShape()(Batch.from_data_list([from_smiles(SMILES)]))
