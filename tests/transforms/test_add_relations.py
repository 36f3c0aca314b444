from pathlib import Path

import golden_data
import other_graphs
import pytest
import samples
import torch
from torch_geometric.data import Batch, Data, HeteroData, InMemoryDataset
from torch_geometric.data.datapipes import IterDataPipe
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import Compose, ToSparseTensor

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
    assert repr(AddRelations()) == "AddRelations(max_path_length=5, bond_vocabulary='ogb')"
    assert repr(AddRelations(3, 4)) == "AddRelations(max_path_length=3, bond_vocabulary=4)"
    assert repr(AddRelations(bond_vocabulary=None)) == "AddRelations(max_path_length=5, bond_vocabulary=None)"
    for transform in (AddRelations(), AddRelations(3, 4), AddRelations(bond_vocabulary=None)):
        assert repr(eval(repr(transform))) == repr(transform)


@pytest.mark.parametrize("hops", [0, -1])
def test_at_least_one_hop(hops: int):
    with pytest.raises(ValueError, match=f"got {hops}"):
        AddRelations(hops)


@pytest.mark.parametrize("vocabulary", [0, 256, "daylight", True, 4.0])
def test_vocabularies_are_ogb_or_a_number(vocabulary: object):
    with pytest.raises(ValueError, match="`bond_vocabulary` must be 'ogb' or a number of categories from 1 to 255"):
        AddRelations(bond_vocabulary=vocabulary)


def test_missing_bonds_are_asked_for():
    data = samples.molecules(1)[0]
    data.edge_attr = None
    for vocabulary in ("ogb", 4):
        with pytest.raises(ValueError, match=r"needs `edge_attr`.* say AddRelations\(bond_vocabulary=None\)"):
            AddRelations(bond_vocabulary=vocabulary)(data)
    data.edge_index = None
    with pytest.raises(ValueError, match="needs `edge_index` or `adj_t`"):
        AddRelations(bond_vocabulary=None)(data)


def test_any_graph_has_distances_and_one_with_categories_has_paths():
    assert AddRelations(2, other_graphs.ZINC_BONDS)(other_graphs.zinc()[0]).bond_path.tolist() == [
        [0, 0], [2, 0], [2, 2], [2, 0], [0, 0], [2, 0], [2, 2], [2, 0], [0, 0],
    ]  # fmt: skip
    for data in (other_graphs.social(), other_graphs.mesh(4, 5), *other_graphs.zinc()):
        related = AddRelations(bond_vocabulary=None)(data)
        assert related.spd.shape == (data.num_nodes**2,)
        assert "bond_path" not in related
    with pytest.raises(ValueError, match=r"3 bond features a row, got shape \[4\].*AddRelations"):
        AddRelations()(other_graphs.zinc()[0])
    with pytest.raises(ValueError, match="bond categories must be from 0 to 1"):
        AddRelations(bond_vocabulary=2)(other_graphs.zinc()[1])


@pytest.mark.parametrize("vocabulary", [other_graphs.ZINC_BONDS, None])
def test_a_batch_of_other_graphs_is_its_graphs(vocabulary: int | None):
    transform, names = AddRelations(3, vocabulary), PAIR_FIELDS if vocabulary else ("spd",)
    batch = transform(Batch.from_data_list(other_graphs.zinc()))
    expected = Batch.from_data_list([transform(graph) for graph in other_graphs.zinc()])
    assert set(PAIR_FIELDS) & set(batch.keys()) == set(names)
    for name in names:
        assert torch.equal(batch[name], expected[name])
        assert all(torch.equal(batch[i][name], expected[i][name]) for i in range(batch.num_graphs))


def test_graphs_in_one_data_object_are_kept_apart():
    r"""As ``Data.from_dict(batch.to_dict())`` is, or a batch that lost its `batch` vector."""
    batch = Batch.from_data_list(samples.molecules(4))
    loose = AddRelations()(Data.from_dict(batch.to_dict()))
    del batch.batch
    for given in (loose, AddRelations()(batch)):
        assert torch.equal(given.bond_path, AddRelations()(Batch.from_data_list(samples.molecules(4))).bond_path)


@pytest.mark.parametrize("layout", [None, torch.sparse_coo, torch.sparse_csr])
def test_edges_of_a_sparse_matrix(layout: torch.layout | None):
    graph = samples.molecules(1)[0]
    related = AddRelations()(ToSparseTensor(layout=layout)(graph))
    assert "edge_index" not in related
    assert all(torch.equal(related[name], AddRelations()(graph)[name]) for name in PAIR_FIELDS)


def test_several_types_of_nodes_are_refused():
    data = HeteroData()
    data["a"].x = torch.zeros(2, 9)
    with pytest.raises(ValueError, match=r"HeteroData with the node types .*to_homogeneous"):
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
