import pytest
from batches import assert_same_batch, assert_same_data
from rdkit import Chem
from torch_geometric.data import Batch

from pyg_moleblend.chem import batch_from_mols, batch_from_smiles, from_mol, from_smiles


def test_equals_pygs_batch(varied_smiles: list[str]) -> None:
    smiles = [*varied_smiles, "CO |(0,0,0;1.4,0,0.2)|"]
    items = [from_smiles(text) for text in smiles]
    assert_same_batch(batch_from_smiles(smiles), Batch.from_data_list(items))


def test_can_be_taken_apart(varied_smiles: list[str]) -> None:
    batch = batch_from_smiles(varied_smiles)
    items = [from_smiles(text) for text in varied_smiles]
    for got, expected in zip(batch.to_data_list(), items, strict=True):
        assert_same_data(got, expected)
    assert_same_data(batch[3], items[3])
    assert_same_data(batch.get_example(len(items) - 1), items[-1])
    assert len(batch[2:5]) == 3


def test_batches_can_be_batched_again(varied_smiles: list[str]) -> None:
    again = Batch.from_data_list(batch_from_smiles(varied_smiles).to_data_list())
    assert_same_data(again, batch_from_smiles(varied_smiles))


def test_from_mols() -> None:
    mols = [Chem.AddHs(Chem.MolFromSmiles(text)) for text in ("CO", "[Na+].[Cl-]", "CCO")]
    for policy in ("remove", "keep"):
        expected = Batch.from_data_list([from_mol(mol, policy) for mol in mols])
        assert_same_data(batch_from_mols(mols, policy), expected)
    assert batch_from_mols(mols, smiles=["a", "b", "c"]).smiles == ["a", "b", "c"]


def test_no_molecules() -> None:
    with pytest.raises(ValueError, match="at least one molecule"):
        batch_from_smiles([])
