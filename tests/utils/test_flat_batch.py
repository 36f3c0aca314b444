from pathlib import Path

import numpy as np
import pytest
import samples
import torch
from batches import assert_same_batch, assert_same_data
from hypothesis import given, settings
from hypothesis import strategies as st
from shard_rows import portions
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets import MoleculeShards
from pyg_moleblend.datasets.base import MoleculeDataset, store, store_list
from pyg_moleblend.datasets.io.reading import ReadChunk, read_molecules
from pyg_moleblend.datasets.shards.build import build_shards
from pyg_moleblend.fields import PAIR_FIELDS
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils.flat_batch import cut_batch, flat_batch, smallest, split_batch


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


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([0, 255], np.uint8), ([0, 256], np.int16), ([-1, 2], np.int16), ([0, 40_000], np.int32), ([2**40], np.int64)],
)
def test_the_smallest_type_holds_them(values: list[int], dtype: type) -> None:
    found = smallest(np.array(values, dtype=np.int64))
    assert found.dtype == dtype
    assert found.tolist() == values


# The third is too large for a byte an atom: stores of other types meet.
SMILES = ["CCO", "c1ccncc1", "C" * 300, "[Na+].[Cl-]", "N", "F/C=C/F", "CO |(0,0,0;1.4,0,0.2)|", "CCÄ bad", "[He]"]


def dataset_of(smiles: list[str], first: int = 0) -> MoleculeDataset:
    dataset = MoleculeDataset(None)
    reading = read_molecules(smiles)
    y = torch.stack([torch.tensor(reading.rows + first), torch.full((len(reading.rows),), torch.nan)], dim=1)
    dataset.data, dataset.slices = store(reading, y=y.double())
    return dataset


PARTS = [dataset_of(SMILES[:3]), dataset_of(SMILES[3:], 3), dataset_of(["CC"], 9)]
WHERE = [(number, local) for number, part in enumerate(PARTS) for local in range(len(part))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WHERE), min_size=1, max_size=20))
def test_equals_pygs_batch_of_the_molecules(where: list[tuple[int, int]]) -> None:
    store_of, local = torch.tensor(where).T
    batch = cut_batch([(part._data, part.slices) for part in PARTS], store_of, local)
    assert_same_batch(batch, Batch.from_data_list([PARTS[number].get(at) for number, at in where]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_datasets_and_selections_give_batches(positions: list[int]) -> None:
    dataset = PARTS[1]
    for chosen in (dataset, dataset[[4, 0, 3, 3, 2]], dataset[torch.tensor([False, True, True, True, True, False])]):
        places = [position % len(chosen) for position in positions]
        assert_same_batch(chosen.get_batch(places), Batch.from_data_list([chosen[place] for place in places]))


def test_pair_fields_of_a_stored_transform() -> None:
    table = MoleculeDataset(None)
    table.data, table.slices = store_list([AddRelations()(from_smiles(text)) for text in ("CCO", "N", "c1ccccc1")])
    batch = table.get_batch([2, 0])
    assert batch.spd.numel() == 45
    assert set(PAIR_FIELDS) <= set(batch.keys())
    assert_same_batch(batch, Batch.from_data_list([table[2], table[0]]))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> MoleculeShards:
    folder: Path = tmp_path_factory.mktemp("shards")
    facts = {"target_names": ["row"]}
    build_shards(portions(SMILES, (2, 3)), folder, {"a": 1}, ReadChunk(), shard_size=3, facts=facts)
    return MoleculeShards(folder)


def test_shards_give_batches(shards: MoleculeShards) -> None:
    assert shards.num_stores > 1
    for chosen in (shards, shards[[5, 2, 0, 5]], shards[3:].select_targets(["row"])):
        for places in ([0], [len(chosen) - 1, 0, 1], list(range(len(chosen)))):
            assert_same_batch(chosen.get_batch(places), Batch.from_data_list([chosen[place] for place in places]))


def test_no_molecules_and_other_fields() -> None:
    none = torch.tensor([], dtype=torch.long)
    first, other = ((part._data, part.slices) for part in PARTS[:2])
    with pytest.raises(ValueError, match="at least one molecule"):
        cut_batch([first], none, none)
    fewer = {name: ends for name, ends in other[1].items() if name != "y"}
    with pytest.raises(ValueError, match="other fields"):
        cut_batch([first, (other[0], fewer)], torch.tensor([0, 1]), torch.tensor([0, 0]))
