from pathlib import Path

import golden_data
import pytest
import samples
import torch
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.data.datapipes import IterDataPipe
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import Compose

from pyg_moleblend.fields import PAIR_FIELDS, bond_class
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import pack, to_dense_pair

GIVEN_FIELDS = ("x", "pos", "edge_index", "edge_attr")


def related(count: int = 6) -> list[Data]:
    return [AddRelations()(graph) for graph in samples.molecules(count)]


def assert_same_fields(actual: Data, expected: Data) -> None:
    for name in (*GIVEN_FIELDS, *PAIR_FIELDS):
        assert torch.equal(actual[name], expected[name]), name


@pytest.mark.parametrize("number", range(119))
def test_golden_relations(number: int):
    case = golden_data.relation_cases()[number]
    data, size = AddRelations()(case.graph), case.graph.num_nodes
    classes = bond_class(case.bonds.clamp(min=0)) * (case.bonds[..., 0] >= 0)
    assert data.spd.dtype == data.bond_path.dtype == torch.uint8
    assert data.spd.shape == (size * size,)
    assert data.bond_path.shape == (size * size, 5)
    assert torch.equal(to_dense_pair(data.spd)[0].long(), case.spd)
    assert torch.equal(to_dense_pair(data.bond_path)[0], classes)


@pytest.mark.parametrize("hops", [1, 2, 4, 9])
def test_paths_are_kept_from_their_start(hops: int):
    data = golden_data.public_graphs()[5]  # ibuprofen
    longest = AddRelations(12)(data).bond_path
    assert longest[:, 8].any()
    assert torch.equal(AddRelations(hops)(data).bond_path, longest[:, :hops])


def test_input_is_not_written_to():
    data, before = samples.molecules(1)[0], samples.molecules(1)[0]
    AddRelations()(data)
    assert data.keys() == before.keys()
    assert all(torch.equal(data[name], before[name]) for name in GIVEN_FIELDS)


def test_functional_name_and_compose():
    composed = Compose([AddRelations(3), AddRelations(2)])(samples.molecules(1)[0])
    assert composed.bond_path.size(1) == 2
    assert "add_moleblend_relations" in IterDataPipe.functions


def test_repr_holds_every_argument():
    assert repr(AddRelations()) == "AddRelations(max_path_length=5)"
    assert repr(AddRelations(3)) == "AddRelations(max_path_length=3)"


@pytest.mark.parametrize("hops", [0, -1])
def test_at_least_one_hop(hops: int):
    with pytest.raises(ValueError, match=f"got {hops}"):
        AddRelations(hops)


@pytest.mark.parametrize("missing", ["edge_index", "edge_attr"])
def test_missing_bonds_are_asked_for(missing: str):
    data = samples.molecules(1)[0]
    data[missing] = None
    with pytest.raises(ValueError, match=missing):
        AddRelations()(data)


def test_bonds_of_another_vocabulary_are_refused():
    data = samples.molecules(1)[0]
    data.edge_attr[0, 0] = 12  # PyG's aromatic bond
    with pytest.raises(ValueError, match="pyg_to_ogb_features"):
        AddRelations()(data)


def test_a_batch_can_be_taken_apart_again():
    graphs = related()
    batch = Batch.from_data_list([*graphs, graphs[0]])
    assert batch.spd.numel() == sum(graph.num_nodes**2 for graph in [*graphs, graphs[0]])
    for number, graph in enumerate([*graphs, graphs[0]]):
        assert_same_fields(batch.get_example(number), graph)
    for piece, graph in zip(batch.to_data_list(), [*graphs, graphs[0]], strict=True):
        assert_same_fields(piece, graph)
    assert_same_fields(batch[2:4][1], graphs[3])


def test_loader_with_workers():
    graphs = related()
    batches = list(DataLoader(graphs, batch_size=4, num_workers=1))
    assert [batch.num_graphs for batch in batches] == [4, 2]
    for batch, first in zip(batches, (0, 4), strict=True):
        expected = pack(Batch.from_data_list(graphs[first : first + 4]))
        packed = pack(batch)
        assert all(torch.equal(packed.pairs[name], expected.pairs[name]) for name in PAIR_FIELDS)


class Molecules(InMemoryDataset):
    def __init__(self, root: str) -> None:
        super().__init__(root, pre_transform=AddRelations())
        self.load(self.processed_paths[0])

    @property
    def processed_file_names(self) -> str:
        return "data.pt"

    def process(self) -> None:
        self.save([self.pre_transform(graph) for graph in samples.molecules()], self.processed_paths[0])


def test_in_memory_dataset_round_trip(tmp_path: Path):
    fresh, reopened = Molecules(str(tmp_path)), Molecules(str(tmp_path))
    for number, graph in enumerate(related()):
        assert_same_fields(fresh[number], graph)
        assert_same_fields(reopened[number], graph)
    batch = next(iter(DataLoader(reopened[torch.tensor([3, 0, 3])], batch_size=3)))
    assert_same_fields(batch.get_example(2), related()[3])


@pytest.mark.parametrize("hops", [2, 5])
def test_a_batch_is_its_molecules(hops: int):
    graphs = samples.molecules(11)
    given = Batch.from_data_list(graphs)
    batch, expected = AddRelations(hops)(given), Batch.from_data_list([AddRelations(hops)(graph) for graph in graphs])
    assert type(batch) is type(given)
    for name in PAIR_FIELDS:
        assert torch.equal(batch[name], expected[name])
        assert torch.equal(batch._slice_dict[name], expected._slice_dict[name])
        assert torch.equal(batch._inc_dict[name], expected._inc_dict[name])
        assert name not in given
        assert name not in given._slice_dict
    for number, graph in enumerate(expected.to_data_list()):
        assert_same_fields(batch[number], graph)
    again = Batch.from_data_list(batch[3:8])
    assert torch.equal(again.bond_path, torch.cat([graph.bond_path for graph in expected.to_data_list()[3:8]]))
