import numpy as np
import pytest
import torch
from quantum_rows import SMILES, drawn_labels
from rdkit import Chem

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets.quantum.stored import StoredLabels, bonded_pairs, concatenate_labels, labelled_graphs


def stored(smiles: str, number: int) -> StoredLabels:
    labels, bonds = drawn_labels(smiles, number), Chem.MolFromSmiles(smiles).GetBonds()
    orders = [labels.bond_orders[bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()] for bond in bonds]
    return StoredLabels(
        [smiles],
        labels.properties[None].astype(np.float32),
        np.array([len(labels.charges)]),
        labels.charges.astype(np.float32),
        np.array([len(orders)]),
        np.array(orders, dtype=np.float32),
    )


def test_graphs_have_the_labels_of_their_own_atoms_and_bonds() -> None:
    together = concatenate_labels([stored(smiles, number) for number, smiles in enumerate(SMILES)])
    assert together.smiles == SMILES
    graphs = list(labelled_graphs(together))
    assert len(graphs) == len(SMILES)
    for number, (smiles, data) in enumerate(zip(SMILES, graphs, strict=True)):
        labels, mol = drawn_labels(smiles, number), Chem.MolFromSmiles(smiles)
        assert torch.equal(data.x, from_smiles(smiles).x)
        np.testing.assert_allclose(data.quantum_properties, labels.properties[None], rtol=1e-6)
        np.testing.assert_allclose(data.quantum_charges, labels.charges, rtol=1e-6)
        matrix = data.quantum_bond_orders.view(mol.GetNumAtoms(), -1)
        for i in range(mol.GetNumAtoms()):
            for j in range(mol.GetNumAtoms()):
                if mol.GetBondBetweenAtoms(i, j) is not None:
                    assert matrix[i, j].item() == pytest.approx(labels.bond_orders[i, j], rel=1e-6)
                elif i == j:
                    assert matrix[i, j] == 0
                else:
                    assert matrix[i, j].isnan()


def test_labels_of_other_atoms_or_bonds_are_refused() -> None:
    labels = stored("CCO", 0)
    for other in ("CC", "C1CO1"):
        with pytest.raises(ValueError, match=rf"molecule 0, '{other}', has .* its labels are of 3 and 2"):
            next(labelled_graphs(labels._replace(smiles=[other])))


def test_graphs_share_no_memory_with_the_arrays() -> None:
    labels = stored("CCO", 0)
    data = next(labelled_graphs(labels))
    data.quantum_properties += 1
    data.quantum_charges += 1
    np.testing.assert_array_equal(labels.charges, stored("CCO", 0).charges)
    np.testing.assert_array_equal(labels.properties, stored("CCO", 0).properties)


def test_bonded_pairs_have_the_lower_number_first() -> None:
    assert bonded_pairs("C1CO1").tolist() == [[0, 1], [1, 2], [0, 2]]
    assert bonded_pairs("C").shape == (0, 2)


def test_nothing_to_put_together() -> None:
    with pytest.raises(ValueError, match="expected at least one part"):
        concatenate_labels([])
