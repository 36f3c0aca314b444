import pytest
import torch
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.data.separate import separate

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets.base import MoleculeDataset, compact, store, store_list
from pyg_moleblend.datasets.io.reading import read_molecules
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils.flat_batch import Stored

SMILES = ["CCO", "c1ccncc1", "[Na+].[Cl-]", "N", "F/C=C/F"]
Y = torch.tensor([[1.0, torch.nan], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0]])


def dataset_of(stored: Stored) -> MoleculeDataset:
    dataset = MoleculeDataset(None)
    dataset.data, dataset.slices = stored
    return dataset


def same(one: Data, other: Data) -> bool:
    def equal(key: str) -> bool:
        if not isinstance(one[key], torch.Tensor):
            return bool(one[key] == other[key])
        return (
            torch.allclose(one[key], other[key], rtol=0, atol=0, equal_nan=True) and one[key].dtype == other[key].dtype
        )

    return sorted(one.keys()) == sorted(other.keys()) and all(map(equal, one.keys()))


def expected(row: int) -> Data:
    data = from_smiles(SMILES[row])
    data.row, data.y = torch.tensor([row]), Y[row : row + 1]
    return data


@pytest.fixture
def dataset() -> MoleculeDataset:
    return dataset_of(store(read_molecules(SMILES), y=Y))


def test_molecules_are_those_of_from_smiles(dataset: MoleculeDataset) -> None:
    assert len(dataset) == len(SMILES)
    assert all(same(dataset[row], expected(row)) for row in range(len(SMILES)))


def test_storage_is_compact_and_what_pyg_would_cut_from_it_is_the_same(dataset: MoleculeDataset) -> None:
    stored, slices = dataset._data, dataset.slices
    assert [stored[key].dtype for key in ("x", "edge_index", "edge_attr")] == [torch.uint8] * 3
    for row in range(len(SMILES)):
        cut = separate(Data, batch=stored, idx=row, slice_dict=slices, decrement=False)
        assert {key: cut[key].tolist() for key in ("x", "edge_index", "edge_attr")} == {
            key: dataset[row][key].tolist() for key in ("x", "edge_index", "edge_attr")
        }


def test_selections(dataset: MoleculeDataset) -> None:
    selection = dataset[[3, 1]]
    assert selection.smiles == ["N", "c1ccncc1"]
    assert selection.row.tolist() == [3, 1]
    assert selection.y.tolist() == [[6.0, 7.0], [2.0, 3.0]]
    for copied in (selection.copy(), dataset[[3]].copy()):
        assert same(copied[0], expected(3))
    assert torch.equal(dataset.y.isnan(), Y.isnan())


def test_targets_can_be_selected(dataset: MoleculeDataset) -> None:
    dataset.target_names = ["a", "b"]
    swapped = dataset.select_targets(["b", "a"])
    assert swapped.target_names == ["b", "a"]
    assert torch.allclose(swapped.y, Y.flip(1), equal_nan=True)
    assert swapped.select_targets(["a"])[4].y.tolist() == [[8.0]]
    assert torch.allclose(dataset.y, Y, equal_nan=True)
    with pytest.raises(ValueError, match=r"no targets \['c'\], its targets are \['a', 'b'\]"):
        dataset.select_targets(["a", "c"])


def test_looking_fills_no_cache_and_changes_nothing(dataset: MoleculeDataset) -> None:
    first = dataset[0]
    first.x[0, 0], first.y = 77, None
    assert same(dataset[0], expected(0))
    assert dataset._data_list is None


def test_batches_as_pygs_own_dataset_does(dataset: MoleculeDataset) -> None:
    data, slices = InMemoryDataset.collate([expected(row) for row in range(len(SMILES))])
    reference = InMemoryDataset(None)
    reference.data, reference.slices = data, slices
    assert same(Batch.from_data_list(list(dataset)), Batch.from_data_list(list(reference)))


def test_no_molecule_and_one_molecule() -> None:
    assert len(dataset_of(store(read_molecules([]), y=Y[:0]))) == 0
    one = dataset_of(store(read_molecules(SMILES[:1]), y=Y[:1]))
    assert len(one) == 1
    assert same(one[0], expected(0))
    assert same(dataset_of(store_list([expected(0)]))[0], expected(0))


def test_more_attributes_survive_as_they_are() -> None:
    molecules = [AddRelations()(expected(row)) for row in range(len(SMILES))]
    for row, data in enumerate(molecules):
        data.atom_index = torch.arange(data.num_nodes).view(1, -1)  # PyG collates this along the last axis
        data.name = f"number {row}"
    dataset = dataset_of(store_list(molecules))
    assert all(same(dataset[row], molecules[row]) for row in range(len(SMILES)))
    assert dataset[0].spd.dtype == torch.uint8


def test_only_what_fits_is_compacted() -> None:
    data = from_smiles("C" * 300)
    data.x = data.x.float() + 0.5
    stored = compact(data)
    assert torch.equal(stored.x, data.x)
    assert stored.edge_index.dtype == torch.int16
    assert torch.equal(stored.edge_index.long(), data.edge_index)
    assert data.edge_index.dtype == torch.long
    data.edge_attr = data.edge_attr - 1
    negative = compact(data).edge_attr
    assert negative.dtype == torch.int16
    assert torch.equal(negative.long(), data.edge_attr)
