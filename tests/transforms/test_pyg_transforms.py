r"""PyG's own transforms, before and after ours: right numbers or a clear error."""

import other_graphs
import pytest
import samples
import torch
import torch_geometric.transforms as T
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform, Compose

from pyg_moleblend.models import MoleBlend, default_relations
from pyg_moleblend.nn import AtomEmbedding
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import pack

ORDERS = {
    "derived": lambda transform: transform,
    "before": lambda transform: Compose([transform, AddRelations()]),
    "after": lambda transform: Compose([AddRelations(), transform]),
}


def encoder(bonds: int | str | None = "ogb") -> MoleBlend:
    config = samples.tiny_config()
    return samples.randomized(MoleBlend(config, default_relations(config, bonds)))


def batch_of(transform: BaseTransform, data: list[Data] | None = None) -> Batch:
    return Batch.from_data_list([transform(graph) for graph in (data or samples.molecules(4))])


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize(
    "transform",
    [
        T.RandomNodeSplit(),
        T.RemoveDuplicatedEdges(),
        T.LargestConnectedComponents(2),  # nothing is left out
        T.GCNNorm(add_self_loops=False),
        T.AddSelfLoops("edge_attr", fill_value=0),
        T.AddSelfLoops("edge_attr"),
        T.AddRemainingSelfLoops("edge_attr", fill_value=1.0),
        T.ToUndirected(reduce="max"),
        T.AddLaplacianEigenvectorPE(2, attr_name="pe", is_undirected=True),
        T.AddRandomWalkPE(3, attr_name="pe"),
        T.ToSparseTensor(),
        T.ToSparseTensor(attr="edge_attr", layout=torch.sparse_coo),
        T.ToSparseTensor(remove_edge_index=False),
        T.Center(),
        T.RandomRotate(180, axis=1),
    ],
    ids=repr,
)
def test_numbers_stay_right(transform: BaseTransform, order: str):
    molecules = [graph for graph in samples.molecules(5) if graph.num_nodes > 3]
    model = encoder()
    expected = model(Batch.from_data_list(molecules)).graph
    torch.manual_seed(0)
    samples.assert_same(model(batch_of(ORDERS[order](transform), molecules)).graph, expected, tolerance=2e-5)


def test_scaled_coordinates_are_taken_as_they_are(order: str):
    graph = samples.molecules(3)[2]
    scaled = T.NormalizeScale()(graph)
    assert scaled.pos.abs().max() < 1
    by_hand = graph.clone()
    centred = graph.pos - graph.pos.mean(0)
    by_hand.pos = centred * (0.999999 / centred.abs().max())
    model = encoder()
    output = model(ORDERS[order](T.NormalizeScale())(graph)).graph
    samples.assert_same(output, model(by_hand).graph)
    assert not torch.allclose(output, model(graph).graph)


@pytest.mark.parametrize("transform", [T.GCNNorm(), T.AddSelfLoops(), T.AddRemainingSelfLoops()], ids=repr)
def test_edges_without_features_are_refused(transform: BaseTransform, order: str):
    with pytest.raises(ValueError, match=r"`edge_attr` has .* rows for .* edges: a transform added edges"):
        encoder()(batch_of(ORDERS[order](transform)))


@pytest.mark.parametrize("transform", [T.GCNNorm(), T.AddSelfLoops(), T.AddRemainingSelfLoops()], ids=repr)
@pytest.mark.parametrize("attached", [None, "before", "after"])
def test_self_loops_change_nothing_where_bonds_are_not_told_apart(transform: BaseTransform, attached: str | None):
    relations = AddRelations(bond_vocabulary=None)
    changed = {"before": [transform, relations], "after": [relations, transform], None: [transform]}[attached]
    model = encoder(None)
    expected = model(batch_of(Compose([]))).graph
    samples.assert_same(model(batch_of(Compose(changed))).graph, expected)


def test_an_undirected_graph_made_so_again_has_other_bonds():
    r"""`ToUndirected` sums the features of both directions unless told otherwise."""
    graph = samples.molecules(3)[2]
    doubled = T.ToUndirected()(graph)
    assert torch.equal(doubled.edge_attr, T.ToUndirected(reduce="max")(graph).edge_attr * 2)
    with pytest.raises(
        ValueError, match=r"pair fields of the batch are not those of its bonds|within OGB's vocabulary"
    ):
        encoder()(T.ToUndirected()(AddRelations()(graph)))


def test_half_of_the_directions_can_be_completed():
    whole = samples.molecules(3)[2]
    half = whole.clone()
    kept = whole.edge_index[0] < whole.edge_index[1]
    half.edge_index, half.edge_attr = whole.edge_index[:, kept], whole.edge_attr[kept]
    model = encoder()
    samples.assert_same(model(T.ToUndirected()(half)).graph, model(whole).graph)
    with pytest.raises(ValueError, match=r"both directions.*transforms\.ToUndirected\(\)"):
        model(half)


def test_a_virtual_node_is_noticed(order: str):
    with pytest.raises(ValueError, match=r"virtual node \(transforms.VirtualNode\).*leave that transform out"):
        encoder()(batch_of(ORDERS[order](T.VirtualNode())))


@pytest.mark.parametrize(
    "data", [other_graphs.zinc(), [other_graphs.social()], [other_graphs.mesh(2, 3)]], ids=["zinc", "social", "mesh"]
)
def test_a_virtual_node_of_any_graph_is_noticed(data: list[Data]):
    for chosen in (data, data[:1]):
        batch = Batch.from_data_list([T.VirtualNode()(graph) for graph in chosen])
        with pytest.raises(ValueError, match="virtual node"):
            pack(batch, ["spd"], atom_feature_sizes=None)
        with pytest.raises(ValueError, match="virtual node"):
            AddRelations(bond_vocabulary=None)(batch)


def test_other_types_of_edges_are_no_virtual_node():
    for graph in [*other_graphs.zinc(), other_graphs.social(), other_graphs.mesh(3, 3)]:
        graph.edge_type = torch.arange(graph.num_edges) % 3
        assert pack(graph, ["spd"], atom_feature_sizes=None).mask.all()
    star = Data(x=torch.zeros(4, 1), edge_index=torch.tensor([[0, 3, 1, 3, 2, 3], [3, 0, 3, 1, 3, 2]]))
    star.edge_type = torch.zeros(6, dtype=torch.long)
    assert pack(star, ["spd"], atom_feature_sizes=None).degree.tolist() == [[1, 1, 1, 3]]


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (T.Distance(), r"OGB's 3 bond features a row, got shape \[\d+, 4\]"),
        (T.Cartesian(), r"OGB's 3 bond features a row, got shape \[\d+, 6\]"),
        (T.Distance(cat=False), "bond features must be integers, got torch.float32"),
        (T.Cartesian(cat=False), "bond features must be integers, got torch.float32"),
        (
            T.AddLaplacianEigenvectorPE(2, attr_name=None, is_undirected=True),
            r"9 atom features a row, got shape \[\d+, 11\]",
        ),
        (T.OneHotDegree(6), r"9 atom features a row, got shape \[\d+, 16\]"),
        (T.NormalizeFeatures(), "`x` must hold integers, got torch.float32|outside OGB's vocabulary"),
        (T.LineGraph(), "9 atom features a row, got shape"),
    ],
    ids=repr,
)
def test_features_of_another_kind_are_refused(transform: BaseTransform, message: str):
    molecules = [graph for graph in samples.molecules(5) if graph.num_nodes > 3]
    for graph in molecules:
        graph.x = graph.x.float() if isinstance(transform, T.NormalizeFeatures) else graph.x
    with pytest.raises(ValueError, match=message):
        encoder()(batch_of(transform, molecules))


@pytest.mark.parametrize(
    ("transform", "shape"), [(T.Distance(), 2), (T.Cartesian(), 4), (T.LocalCartesian(), 4)], ids=repr
)
def test_categories_with_something_beside_are_refused(transform: BaseTransform, shape: int):
    data = other_graphs.zinc()[:3]
    for graph in data:
        graph.pos = torch.randn(graph.num_nodes, 3, generator=torch.Generator().manual_seed(0))
    config = samples.tiny_config()
    embedding = AtomEmbedding(config.channels, config.num_gaussians, feature_sizes=(other_graphs.ZINC_ATOMS,))
    model = MoleBlend(config, default_relations(config, other_graphs.ZINC_BONDS), embedding)
    with pytest.raises(ValueError, match=rf"of shape \[E\] or \[E, 1\], got \[\d+, {shape}\]; .*bond_vocabulary=None"):
        model(batch_of(transform, data))
    without = MoleBlend(config, default_relations(config, None), embedding)
    assert without(batch_of(transform, data)).graph.isfinite().all()  # it does not read them


def test_parts_of_a_molecule_need_relations_of_their_own():
    salt = next(graph for graph in samples.molecules() if (AddRelations()(graph).spd == 255).any())
    model, largest = encoder(), T.LargestConnectedComponents()
    alone = largest(salt)
    assert alone.num_nodes < salt.num_nodes
    samples.assert_same(model(Compose([largest, AddRelations()])(salt)).graph, model(alone).graph)
    with pytest.raises(ValueError, match=r"holds \d+ rows.*transforms.AddRelations"):
        model(Compose([AddRelations(), largest])(salt))
    with pytest.raises(ValueError, match=r"holds \d+ rows.*transforms.AddRelations"):
        model(AddRelations()(alone).subgraph(torch.arange(3)))
    reordered = AddRelations()(alone).subgraph(torch.arange(alone.num_nodes).flip(0))
    with pytest.raises(ValueError, match=r"are not those of its bonds.*AddRelations"):
        model(reordered)


def test_removed_edges_make_relations_stale():
    graph = AddRelations()(samples.molecules(3)[2])
    fewer = graph.edge_subgraph(torch.arange(graph.num_edges) > 1)
    assert fewer.spd.shape == graph.spd.shape
    with pytest.raises(ValueError, match=r"are not those of its bonds.*AddRelations"):
        encoder()(fewer)


def test_a_bond_given_twice_is_one_bond():
    graph, model = samples.molecules(3)[2], encoder()
    twice = graph.clone()
    twice.edge_index = torch.cat([graph.edge_index, graph.edge_index[:, :2]], 1)
    twice.edge_attr = torch.cat([graph.edge_attr, graph.edge_attr[:2]])
    expected = model(graph).graph
    for given in (twice, AddRelations()(twice), T.RemoveDuplicatedEdges(reduce="max")(twice)):
        samples.assert_same(model(given).graph, expected)
    twice.edge_attr[-1, 0] = 3 - twice.edge_attr[-1, 0]
    for transform in (Compose([]), AddRelations()):
        with pytest.raises(ValueError, match="given twice with different features"):
            model(transform(twice))


def test_sparse_matrices_collate_and_keep_their_features():
    data = [T.ToSparseTensor(attr="edge_attr")(graph) for graph in other_graphs.zinc()]
    config = samples.tiny_config()
    embedding = AtomEmbedding(config.channels, config.num_gaussians, feature_sizes=(other_graphs.ZINC_ATOMS,))
    model = samples.randomized(MoleBlend(config, default_relations(config, other_graphs.ZINC_BONDS), embedding))
    batch = Batch.from_data_list(data)
    assert "edge_index" not in batch
    assert "edge_attr" not in batch
    expected = model(Batch.from_data_list(other_graphs.zinc())).graph
    samples.assert_same(model(batch).graph, expected)
    attached = Batch.from_data_list([AddRelations(bond_vocabulary=other_graphs.ZINC_BONDS)(graph) for graph in data])
    samples.assert_same(model(attached).graph, expected)
