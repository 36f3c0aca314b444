import pytest
import samples
import torch
from batches import assert_same_batch, assert_same_data
from torch_geometric.data import Batch, Data

from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils.flat_batch import flat_batch, split_batch


def test_is_pygs_batch() -> None:
    items = [
        Data(
            x=torch.full((n, 2), n),
            edge_index=torch.arange(n).repeat(2, 1),
            special_index=torch.zeros(n, dtype=torch.long),
            pair=torch.arange(n * n),
            text="C" * n,
        )
        for n in (3, 1, 4)
    ]
    atoms, pairs = torch.tensor([0, 3, 4, 8]), torch.tensor([0, 9, 10, 26])
    fields = {
        "x": torch.cat([item.x for item in items]),
        "edge_index": torch.cat([item.edge_index for item in items], dim=1),
        "special_index": torch.zeros(8, dtype=torch.long),
        "pair": torch.cat([item.pair for item in items]),
        "text": ["CCC", "C", "CCCC"],
    }
    ends = {**dict.fromkeys(fields, atoms), "pair": pairs, "text": torch.arange(4)}
    batch = flat_batch(fields, ends)
    assert_same_batch(batch, Batch.from_data_list(items))
    for molecule, item in zip(split_batch(batch), items, strict=True):
        assert_same_data(molecule, item)


def test_a_batch_of_pyg_is_split() -> None:
    items = samples.molecules(6)
    batch = AddRelations()(Batch.from_data_list(items))
    for molecule, expected in zip(split_batch(batch), batch.to_data_list(), strict=True):
        assert_same_data(molecule, expected)


@pytest.mark.parametrize("name", ["batch", "node_batch", "face", "ptr", "num_nodes"])
def test_names_that_pyg_shifts_otherwise_are_refused(name: str) -> None:
    ends = torch.tensor([0, 1])
    with pytest.raises(ValueError, match=name):
        flat_batch({"x": torch.zeros(1, 1), name: torch.zeros(1)}, {"x": ends, name: ends})


def test_no_molecules() -> None:
    with pytest.raises(ValueError, match="at least one molecule"):
        flat_batch({"x": torch.zeros(0, 9)}, {"x": torch.tensor([0])})
