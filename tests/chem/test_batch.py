import pytest
import torch
from rdkit import Chem
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import batch_from_mols, batch_from_smiles, from_mol, from_smiles


def assert_equal(one: Data, other: Data) -> None:
    assert one.keys() == other.keys()
    for key in one.keys():  # noqa: SIM118 - iterating over Data gives pairs
        if isinstance(one[key], torch.Tensor):
            assert one[key].dtype == other[key].dtype
            torch.testing.assert_close(one[key], other[key], rtol=0, atol=0, equal_nan=True)
        else:
            assert one[key] == other[key]


def test_equals_pygs_batch(varied_smiles: list[str]) -> None:
    smiles = [*varied_smiles, "CO |(0,0,0;1.4,0,0.2)|"]
    items = [from_smiles(text) for text in smiles]
    batch, expected = batch_from_smiles(smiles), Batch.from_data_list(items)
    assert type(batch) is type(expected)
    assert_equal(batch, expected)
    assert batch.num_graphs == len(batch) == len(smiles)
    assert batch.num_nodes == expected.num_nodes
    for key in expected._slice_dict:
        assert torch.equal(batch._slice_dict[key], expected._slice_dict[key])
        ours, theirs = batch._inc_dict[key], expected._inc_dict[key]
        assert (ours is None and theirs is None) or torch.equal(ours, theirs)


def test_can_be_taken_apart(varied_smiles: list[str]) -> None:
    batch = batch_from_smiles(varied_smiles)
    items = [from_smiles(text) for text in varied_smiles]
    for got, expected in zip(batch.to_data_list(), items, strict=True):
        assert_equal(got, expected)
    assert_equal(batch[3], items[3])
    assert_equal(batch.get_example(len(items) - 1), items[-1])
    assert len(batch[2:5]) == 3


def test_batches_can_be_batched_again(varied_smiles: list[str]) -> None:
    again = Batch.from_data_list(batch_from_smiles(varied_smiles).to_data_list())
    assert_equal(again, batch_from_smiles(varied_smiles))


def test_from_mols() -> None:
    mols = [Chem.AddHs(Chem.MolFromSmiles(text)) for text in ("CO", "[Na+].[Cl-]", "CCO")]
    for policy in ("remove", "keep"):
        expected = Batch.from_data_list([from_mol(mol, policy) for mol in mols])
        assert_equal(batch_from_mols(mols, policy), expected)
    assert batch_from_mols(mols, smiles=["a", "b", "c"]).smiles == ["a", "b", "c"]


def test_no_molecules() -> None:
    with pytest.raises(ValueError, match="at least one molecule"):
        batch_from_smiles([])
