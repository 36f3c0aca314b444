from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import (
    descriptor_matrix,
    descriptor_names,
    fingerprint_counts,
    fingerprint_matrix,
    from_mol,
    from_smiles,
    generate_conformer,
    parse_smiles,
    shape_descriptors,
)
from pyg_moleblend.fields import FIELDS
from pyg_moleblend.nn import Recover, RecoveryState, constant_blend
from pyg_moleblend.transforms import AddDescriptors
from pyg_moleblend.utils import pack

SMILES = ["CCO", "c1ccccc1C(=O)O", "CC#N"]


def test_fields_are_those_of_the_functions():
    transform = AddDescriptors(counts=["torsion"], size=256, radius=3)
    for smiles in SMILES:
        data = transform(from_smiles(smiles))
        expected = {
            "descriptors": descriptor_matrix([smiles]),
            "morgan_bits": fingerprint_matrix([smiles], "morgan", 256, 3),
            "atom_pair_bits": fingerprint_matrix([smiles], "atom_pair", 256),
            "torsion_counts": fingerprint_counts([smiles], "torsion", 256),
        }
        for name, values in expected.items():
            assert FIELDS[name].level == "graph"
            assert str(data[name].dtype) == f"torch.{FIELDS[name].dtype}"
            assert data[name].tolist() == values.tolist()
        assert "shape_descriptors" not in data


def test_columns_are_the_rows_of_all():
    transform = AddDescriptors(["TPSA", "qed"], ["path"], size=64, counts=["morgan"])
    assert transform.names == ("TPSA", "qed")
    columns = transform.columns(SMILES)
    assert list(columns) == ["descriptors", "path_bits", "morgan_counts"]
    for row, smiles in enumerate(SMILES):
        data = transform(from_smiles(smiles))
        for name, values in columns.items():
            assert torch.equal(data[name][0], values[row])


def test_names_stand_with_the_transform():
    assert AddDescriptors().names == tuple(descriptor_names())
    assert AddDescriptors(False).names == ()
    assert AddDescriptors(False, ["morgan"]).columns(SMILES).keys() == {"morgan_bits"}


def test_counts_end_at_a_byte():
    data = AddDescriptors(False, [], size=8, counts=["atom_pair"])(from_smiles("C" * 200))
    assert data.atom_pair_counts.max() == 255


def test_the_shape_is_that_of_the_coordinates():
    transform = AddDescriptors(False, [], shape=True)
    mol = generate_conformer(parse_smiles("CC(C)Cc1ccccc1"))
    data = transform(from_mol(mol))
    numbers = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()])
    assert data.shape_descriptors.tolist() == [shape_descriptors(numbers, data.pos.numpy()).tolist()]
    for flat in (from_smiles("CCO"), Data(x=data.x, smiles="C")):
        assert transform(flat).shape_descriptors.isnan().all()
    assert data.shape_descriptors.shape == (1, FIELDS["shape_descriptors"].size)


def test_an_element_outside_ogb_s_vocabulary_weighs_nothing():
    data = from_mol(generate_conformer(parse_smiles("CCCC")))
    data.x[0, 0] = 118
    assert AddDescriptors(False, [], shape=True)(data).shape_descriptors.isfinite().all()


@pytest.mark.parametrize(
    "objective",
    [
        lambda size: Recover("graph", "descriptors", 4, size),
        lambda size: Recover("graph", "morgan_bits", 4, 64, "bits"),
        lambda size: Recover("graph", "path_counts", 4, 64),
    ],
)
def test_batches_of_them_can_be_recovered(objective: Callable[[int], Recover]):
    transform = AddDescriptors(True, ["morgan"], size=64, counts=["path"])
    batch = Batch.from_data_list([transform(from_smiles(smiles)) for smiles in SMILES])
    module = objective(len(descriptor_names()))
    molecules = pack(batch, graph_fields=module.graph_fields)
    nothing = torch.zeros(0)
    state = RecoveryState(torch.randn(3, 4), nothing, nothing, molecules, nothing, constant_blend(molecules, 0, 0))
    if module.kind == "value":
        module.fit(module.known_rows(molecules))
    loss, (_, weight) = module.evaluate(state)
    assert loss.isfinite()
    assert weight == 3 * module.size


def test_the_input_stays_as_it_is():
    data = from_smiles("CCO")
    keys = set(data.keys())
    AddDescriptors()(data)
    assert set(data.keys()) == keys


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="`size` must be a positive number of bits, got 0"):
        AddDescriptors(size=0)
    with pytest.raises(ValueError, match=r"among .*\['ecfp'\]"):
        AddDescriptors(counts=["ecfp"])
    with pytest.raises(ValueError, match=r"has no descriptors \['Weight'\]"):
        AddDescriptors(["Weight"])
    with pytest.raises(ValueError, match="AddDescriptors reads `smiles`"):
        AddDescriptors()(Data(x=torch.zeros(1, 9)))
    with pytest.raises(ValueError, match="`shape_descriptors` need `x`"):
        AddDescriptors(False, shape=True)(Data(smiles="C"))


def test_repr_has_all_arguments():
    assert str(AddDescriptors(["TPSA"], ["path"], 64, 3, ["morgan"], True)) == (
        "AddDescriptors(descriptors=('TPSA',), fingerprints=('path',), size=64, radius=3, counts=('morgan',), "
        "shape=True)"
    )
