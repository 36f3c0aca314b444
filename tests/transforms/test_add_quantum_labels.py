import random

import pytest
import torch
from rdkit import Chem
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import Compose

from pyg_moleblend.chem import MoleculeError, from_mol, from_smiles, quantum_labels
from pyg_moleblend.fields import FIELDS
from pyg_moleblend.transforms import AddQuantumLabels

pytest.importorskip("tblite", reason="needs the extra [quantum]")

NAMES = ("quantum_properties", "quantum_charges", "quantum_bond_orders")


def test_repr_has_every_argument() -> None:
    assert str(AddQuantumLabels()) == "AddQuantumLabels(seed=0, hydrogens='remove', deadline=10)"
    changed = AddQuantumLabels(seed=3, hydrogens="add", deadline=2)
    assert str(changed) == "AddQuantumLabels(seed=3, hydrogens='add', deadline=2)"


def test_fields_of_three_levels() -> None:
    data = Compose([AddQuantumLabels(seed=1)])(from_smiles("CC(=O)N"))
    labels = quantum_labels("CC(=O)N", seed=1)
    torch.testing.assert_close(data.quantum_properties[0], torch.tensor(labels.properties).float())
    torch.testing.assert_close(data.quantum_charges, torch.tensor(labels.charges).float())
    torch.testing.assert_close(data.quantum_bond_orders.view(4, 4), torch.tensor(labels.bond_orders).float())
    for name in NAMES:
        field = FIELDS[name]
        shape = [{"graph": 1, "atom": 4, "pair": 16}[field.level], *([field.size] if field.size else [])]
        assert list(data[name].shape) == shape
        assert str(data[name].dtype) == f"torch.{field.dtype}"


def test_a_batch_keeps_them_apart() -> None:
    molecules = [AddQuantumLabels()(from_smiles(smiles)) for smiles in ("CCO", "C", "C#N")]
    batch = Batch.from_data_list(molecules)
    assert batch.quantum_properties.shape == (3, 8)
    assert batch.quantum_charges.shape == (6, 2)
    assert batch.quantum_bond_orders.shape == (9 + 1 + 4,)
    for one, other in zip(batch.to_data_list(), molecules, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in NAMES)


def test_input_is_not_modified() -> None:
    data = from_smiles("CCO")
    AddQuantumLabels()(data)
    assert not set(NAMES) & set(data.keys())


def test_graph_with_its_atoms_in_another_order() -> None:
    mol = Chem.MolFromSmiles("NC(=O)CF")
    expected = AddQuantumLabels()(from_smiles("NC(=O)CF"))
    order = random.Random(1).sample(range(5), 5)
    graph = from_mol(Chem.RenumberAtoms(mol, order))
    graph.smiles = "NC(=O)CF"
    data = AddQuantumLabels()(graph)
    assert torch.equal(data.quantum_charges, expected.quantum_charges[order])
    matrix = expected.quantum_bond_orders.view(5, 5)[order][:, order]
    assert torch.equal(data.quantum_bond_orders.view(5, 5), matrix)


def test_what_cannot_be_labelled() -> None:
    with pytest.raises(MoleculeError, match="No support for elements"):
        AddQuantumLabels()(from_smiles("[U]"))
    with pytest.raises(ValueError, match="data has none"):
        AddQuantumLabels()(Data(x=torch.zeros(1, 9)))
    data = from_smiles("CCO")
    data.smiles = "CCC"
    with pytest.raises(ValueError, match="is not the molecule of x and edge_index"):
        AddQuantumLabels()(data)
    with pytest.raises(ValueError, match="`deadline` must be a positive number of seconds, got 0"):
        AddQuantumLabels(deadline=0)
