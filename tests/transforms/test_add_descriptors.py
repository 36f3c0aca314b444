from collections.abc import Callable

import pytest
import torch
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import (
    descriptor_matrix,
    descriptor_names,
    fingerprint_counts,
    fingerprint_matrix,
    from_smiles,
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


def test_repr_has_all_arguments():
    assert str(AddDescriptors(["TPSA"], ["path"], 64, 3, ["morgan"])) == (
        "AddDescriptors(descriptors=('TPSA',), fingerprints=('path',), size=64, radius=3, counts=('morgan',))"
    )
