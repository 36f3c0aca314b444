import pickle

import pandas as pd
import pytest
import torch
from torch_geometric.data import Batch, InMemoryDataset

from pyg_moleblend.datasets import MoleculeDataset, MoleculeShards, MoleculeTable
from pyg_moleblend.datasets.base import store_list
from pyg_moleblend.datasets.shards.prepare import prepare
from pyg_moleblend.datasets.targets import bounds_of, has_coordinates, labels_of, select_targets, take, with_column


@pytest.fixture
def table():
    frame = pd.DataFrame({"smiles": ["CCO", "CC", "C"], "a": [1.0, 2.0, 3.0], "b": [4.0, None, 6.0]})
    return MoleculeTable(frame, targets=["a", "b"], progress=False)


def test_targets_of_a_dataset_are_chosen_by_name(table):
    labelled = select_targets(table, ["b"])
    assert (labelled.names, labelled.units) == (("b",), ("",))
    labels = labels_of(labelled, torch.tensor([2, 0]))
    assert labels.tolist() == [[6.0], [4.0]]
    assert table[0].y.shape == (1, 2)
    assert select_targets(table).names == ("a", "b")
    assert labels_of(select_targets(table, ["b", "a"])).tolist()[:1] == [[4.0, 1.0]]


def test_targets_of_a_list_are_named(molecules):
    assert select_targets(molecules, ["size", "twice"]).names == ("size", "twice")
    assert select_targets(molecules).names == ("target_0", "target_1")
    assert labels_of(select_targets(molecules), torch.empty(0, dtype=torch.long)).shape == (0, 2)


@pytest.mark.parametrize(
    ("targets", "message"),
    [(["c"], r"no targets \['c'\], its targets are \['a', 'b'\]"), (["a", "c"], r"no targets \['c'\]")],
)
def test_unknown_targets_are_refused(table, targets, message):
    with pytest.raises(ValueError, match=message):
        select_targets(table, targets)


def test_names_must_fit_the_labels(molecules):
    with pytest.raises(ValueError, match="have 2 targets, but there are 1 names"):
        select_targets(molecules, ["a"])
    bare = molecules[0].clone()
    del bare.y
    with pytest.raises(ValueError, match="the molecules have no targets"):
        select_targets([bare])


def test_a_column_follows_its_molecules(table, molecules, tmp_path):
    table.frame.to_csv(tmp_path / "table.csv", index=False)
    prepare(tmp_path / "table.csv", tmp_path / "shards", targets=["a"], num_workers=0, progress=False, shard_size=2)
    values = torch.tensor([[30.0, 3.0], [20.0, 2.0]])
    for dataset in (table, MoleculeShards(tmp_path / "shards")):
        chosen = with_column(dataset[[2, 1]], "label_weight", values)
        for found in (chosen, chosen.index_select([0, 1]), pickle.loads(pickle.dumps(chosen))):
            assert [data.label_weight.tolist() for data in found] == [[[30.0, 3.0]], [[20.0, 2.0]]]
            batch = found.get_batch([1, 0, 1])
            assert batch.label_weight.tolist() == values[[1, 0, 1]].tolist()
            assert [data.label_weight.tolist() for data in batch.to_data_list()] == values[[1, 0, 1], None].tolist()
        assert "label_weight" not in dataset[0]
    listed = with_column(molecules[:2], "label_weight", values)
    assert Batch.from_data_list(listed).label_weight.tolist() == values.tolist()
    assert "label_weight" not in molecules[0]


def test_bounds_are_no_labels(molecules):
    listed = [data.clone() for data in molecules[:3]]
    for data, side in zip(listed, ([0, 1], [-1, 0], [0, 0]), strict=True):
        data.y, data.label_side = torch.tensor([1.0, 2.0]), torch.tensor(side)
    labelled = select_targets(listed)
    assert labels_of(labelled).nan_to_num(-1).tolist() == [[1, -1], [-1, 2], [1, 2]]
    bounds = bounds_of(labelled)
    assert bounds.total == 2
    assert bounds.values.nan_to_num(-1).tolist() == [[-1, 2], [1, -1], [-1, -1]]
    assert bounds.side.tolist() == [[0, 1], [-1, 0], [0, 0]]
    assert bounds_of(select_targets(molecules)).total == 0
    del listed[1].label_side
    with pytest.raises(ValueError, match="molecule 1 must say which of its targets are bounds"):
        select_targets(listed)
    listed[1].label_side = torch.tensor([2, 0])
    with pytest.raises(ValueError, match="molecule 1 must say which of its targets are bounds"):
        select_targets(listed)


def test_coordinates_are_noticed(table, molecules):
    assert not has_coordinates(table)
    assert has_coordinates(molecules)
    hidden = molecules[0].clone()
    hidden.has_pos = torch.tensor([False])
    assert not has_coordinates([hidden])


@pytest.mark.parametrize("own", [True, False])
def test_coordinates_of_a_dataset_are_those_of_its_molecules(molecules, own):
    kinds = [data.clone() for data in molecules[:4]]
    kinds[0].pos[1] = torch.nan
    kinds[1].pos[:] = torch.nan
    for data, wanted in zip(kinds, (True, True, False, True), strict=True):
        data.has_pos = torch.tensor([wanted])
    if own:
        dataset = MoleculeDataset(None)
        dataset.data, dataset.slices = store_list(kinds)
    else:
        dataset = InMemoryDataset(None)
        dataset.data, dataset.slices = InMemoryDataset.collate(kinds)
    for chosen in ([0], [1], [2], [3], [0, 1, 2], [2, 3, 0], [3, 3]):
        assert has_coordinates(dataset[chosen]) == any(has_coordinates([kinds[i]]) for i in chosen) == (3 in chosen)
    assert has_coordinates(dataset[[3]].copy())
    dataset.transform = hide
    assert not has_coordinates(dataset)


def hide(data):
    data.has_pos = torch.tensor([False])
    return data


def test_take_keeps_the_order(table, molecules):
    positions = torch.tensor([2, 0])
    assert take(table, positions).smiles == ["C", "CCO"]
    assert [data.smiles for data in take(molecules, positions)] == [molecules[2].smiles, molecules[0].smiles]


@pytest.mark.parametrize("y", [torch.tensor([1.5]), torch.tensor(1.5), torch.tensor([[1.5]]), torch.tensor([[[1.5]]])])
def test_one_target_of_any_shape(molecules, y):
    r"""As in PyG's ZINC and AQSOL, whose `y` is [1]."""
    data_list = [data.clone() for data in molecules[:3]]
    for data in data_list:
        data.y = y
    labelled = select_targets(data_list)
    assert labelled.names == ("target_0",)
    assert labels_of(labelled).tolist() == [[1.5]] * 3
    assert data_list[0].y is y


def test_flat_targets_are_rows(molecules):
    data_list = [data.clone() for data in molecules[:2]]
    for data in data_list:
        data.y = torch.tensor([1, 2, 3])
    assert labels_of(select_targets(data_list)).tolist() == [[1.0, 2.0, 3.0]] * 2


@pytest.mark.parametrize(
    ("y", "got"), [(torch.tensor([1.0]), r"\[1\]"), (None, "none"), ("active", "str"), (torch.zeros(2, 2), r"\[2, 2\]")]
)
def test_every_molecule_has_as_many_targets(molecules, y, got):
    data_list = [molecules[0], molecules[1].clone()]
    data_list[1].y = y
    with pytest.raises(ValueError, match=rf"molecule 1 must have 2 targets .*, `y` \[1, 2\], got {got}"):
        select_targets(data_list)


def test_a_folder_without_targets_says_how_to_have_them(tmp_path):
    (tmp_path / "table.smi").write_text("CCO\nCCN\n")
    prepare(tmp_path / "table.smi", tmp_path / "shards", num_workers=0, progress=False)
    with pytest.raises(ValueError, match=r"prepared without targets: prepare the table with those \(--targets"):
        select_targets(MoleculeShards(tmp_path / "shards"))
