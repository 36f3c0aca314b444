r"""PyG's explainers on a property model."""

import copy
import itertools
import math

import networkx as nx
import other_graphs
import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.explain import CaptumExplainer, DummyExplainer, Explainer, GNNExplainer
from torch_geometric.explain.algorithm.utils import clear_masks, set_masks
from torch_geometric.explain.metric import fidelity, unfaithfulness
from torch_geometric.utils import to_networkx

from pyg_moleblend.models import Explainable, MoleBlend, MoleBlendForPropertyPrediction, default_relations
from pyg_moleblend.nn import AtomEmbedding, PooledReadout
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.utils import DenseMolecules

NITROGEN = 6


def property_model(num_tasks: int = 2, **arguments: object) -> MoleBlendForPropertyPrediction:
    config = samples.tiny_config()
    readout = PooledReadout(config.channels)
    return samples.randomized(MoleBlendForPropertyPrediction(config, num_tasks, readout=readout, **arguments))


def explainer_of(model: Explainable, algorithm: object, mode: str = "regression", **masks: object) -> Explainer:
    returned = "probs" if model.activation is not None else "raw"
    settings = {"mode": mode, "task_level": "graph", "return_type": returned}
    return Explainer(model, algorithm, explanation_type="model", model_config=settings, **masks)


def molecules(count: int = 3) -> Batch:
    return Batch.from_data_list(samples.molecules(6)[2 : 2 + count])


def amide() -> Data:
    r"""A chain with a branch: C-C-C(=O)-N-C, some atoms being nitrogen."""
    x = torch.tensor([[5, 0, 0, 5, 0, 0, 2, 0, 0]]).repeat(6, 1)
    x[3, 0], x[4, 0] = 7, NITROGEN
    bonds = [(0, 1, 0), (1, 2, 0), (2, 3, 1), (2, 4, 0), (4, 5, 0)]
    ends, kinds = other_graphs.edges_of(bonds)
    return Data(x=x, edge_index=ends, edge_attr=torch.stack([kinds, 0 * kinds, 0 * kinds], 1))


@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_with_open_gates_it_is_the_model(modality: str):
    model, batch = property_model(), molecules()
    explainable = Explainable(model, modality=modality)
    gates = explainable.gates(batch)
    assert gates.shape == (batch.num_nodes, 10)
    assert torch.equal(explainable(gates, batch.edge_index, batch), model(batch, modality))
    packed = model.pack(batch, modality)
    assert torch.equal(explainable(gates, batch.edge_index, packed), model(batch, modality))
    set_masks(explainable, torch.ones(batch.num_edges), batch.edge_index, apply_sigmoid=False)
    assert torch.equal(explainable(gates, batch.edge_index, batch), model(batch, modality))
    clear_masks(explainable)


def test_the_model_stays_as_it_is():
    model = property_model()
    before = copy.deepcopy(model.state_dict())
    explainable = Explainable(model)
    explainable.model.out.weight.data.zero_()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert type(model.encoder.atom_embedding) is AtomEmbedding


def test_one_output_and_its_probability():
    model, batch = property_model(), molecules()
    gates = Explainable(model).gates(batch)
    second = Explainable(model, task=1)(gates, batch.edge_index, batch)
    assert torch.equal(second, model(batch)[:, 1:])
    sigmoid = Explainable(model, 1, torch.sigmoid)(gates, batch.edge_index, batch)
    assert torch.equal(sigmoid, second.sigmoid())


def test_parts_of_a_state_are_gated_one_by_one():
    r"""The state is linear in the gates; with one open, it is what that feature adds to the normalised sum."""
    model, batch = property_model(), molecules()
    encoder, explainable = model.encoder, Explainable(model)
    packed = explainable.model.pack(batch)
    ones = torch.ones(*packed.mask.shape, 10)
    tokens, _ = encoder.tokens_and_bias(packed)
    bias, weight = encoder.embedding_norm.bias, encoder.embedding_norm.weight

    def states(gates: Tensor) -> Tensor:
        gated = packed.with_atom("gates_of_features", gates).with_pair("weights_of_paths", torch.ones(1, 1, 1))
        found, _ = explainable.model.encoder.tokens_and_bias(gated)
        assert torch.equal(found[:, 0], tokens[:, 0])
        return found[:, 1:]

    samples.assert_same(states(0.3 * ones) - bias, 0.3 * (tokens[:, 1:] - bias))
    total = torch.zeros_like(tokens[:, 1:])
    for column in range(10):
        gates = torch.zeros_like(ones)
        gates[..., column] = 1
        total = total + states(gates) - bias
    samples.assert_same(total, tokens[:, 1:] - bias)
    # The element alone, of the first atom, by hand.
    gates = torch.zeros_like(ones)
    gates[..., 0] = 1
    embedding = encoder.atom_embedding
    own = embedding.features.weight[packed.x[0, 0, 0]]
    gaussians = encoder.gaussians(pair_distances(packed.pos), packed.x[..., 0])
    whole = embedding(packed.with_pair("gaussians", gaussians))[0, 0]
    samples.assert_same(
        states(gates)[0, 0], bias + weight * (own - own.mean()) / (whole.var(correction=0) + 1e-5).sqrt()
    )


def test_a_blank_atom_is_like_any_other():
    r"""With the gates closed nothing tells what an atom is, but for its relations."""
    model, graph = property_model(), amide()
    other = graph.clone()
    other.x = torch.tensor([[15, 1, 3, 6, 1, 0, 1, 1, 1]]).repeat(6, 1)
    explainable = Explainable(model)
    closed = 0 * explainable.gates(graph)
    blank, changed = (explainable(closed, graph.edge_index, data) for data in (graph, other))
    samples.assert_same(blank, changed)
    assert not torch.allclose(model(graph), model(other))
    one = explainable.gates(graph)
    one[4] = 0
    swapped = graph.clone()
    swapped.x[4] = other.x[4]
    samples.assert_same(*(explainable(one, graph.edge_index, data) for data in (graph, swapped)))


def test_an_edge_mask_weighs_paths_by_their_bonds():
    r"""Against the products over the shortest paths that networkx finds, of which any may have been taken."""
    batch = Batch.from_data_list([amide(), *samples.molecules(3), amide()])  # a salt, a lone atom and rings among them
    explainable = Explainable(property_model())
    edge_mask = 0.5 + 0.5 * torch.rand(batch.num_edges, generator=torch.Generator().manual_seed(0))
    set_masks(explainable, edge_mask, batch.edge_index, apply_sigmoid=False)
    mask = explainable.model.pack(batch).mask
    found = explainable._path_weights(batch.edge_index, mask, explainable.gates(batch))
    value = dict(zip(map(tuple, batch.edge_index.T.tolist()), edge_mask.tolist(), strict=True))
    graph = to_networkx(batch)
    for number, (first, last) in enumerate(itertools.pairwise(batch.ptr.tolist())):
        for i, j in itertools.product(range(first, last), repeat=2):
            paths = nx.all_shortest_paths(graph, i, j) if nx.has_path(graph, i, j) else [[i]]
            products = [math.prod(value[step] for step in itertools.pairwise(path)) for path in paths]
            assert min(abs(found[number, i - first, j - first].item() - product) for product in products) < 1e-5


def test_without_edges_no_2d_relation_enters_for_joined_pairs():
    model, graph = property_model(), amide()
    explainable = Explainable(model)
    with torch.no_grad():  # atoms paired with themselves are joined by no bond
        model.encoder.attention_bias.blend.relations["spd"].table.weight[0] = 0
    explainable = Explainable(model)
    set_masks(explainable, torch.zeros(graph.num_edges), graph.edge_index, apply_sigmoid=False)
    output = explainable(explainable.gates(graph), graph.edge_index, graph)
    blank = copy.deepcopy(model)
    for relation in blank.encoder.attention_bias.blend.relations.values():
        for parameter in relation.parameters():
            nn.init.zeros_(parameter)
    samples.assert_same(output, blank(graph))
    assert not torch.allclose(output, model(graph))


def test_self_loops_have_no_weight():
    model, graph = property_model(), amide()
    explainable = Explainable(model)
    loops = torch.arange(6).repeat(2, 1)
    looped = torch.cat([graph.edge_index, loops], 1)
    mask = torch.cat([torch.ones(graph.num_edges), torch.zeros(6)])
    set_masks(explainable, mask, looped, apply_sigmoid=False)
    assert torch.equal(explainable(explainable.gates(graph), looped, graph), model(graph))


@pytest.mark.parametrize("algorithm", [DummyExplainer(), GNNExplainer(epochs=3)], ids=["dummy", "gnn"])
@pytest.mark.parametrize("node", [None, "object", "attributes", "common_attributes"])
@pytest.mark.parametrize("edge", [None, "object"])
def test_masks_have_their_shapes(algorithm: object, node: str | None, edge: str | None):
    if node is edge is None:
        return
    torch.manual_seed(0)
    explainable, batch = Explainable(property_model(), task=0), molecules(2)
    explainer = explainer_of(explainable, algorithm, node_mask_type=node, edge_mask_type=edge)
    explanation = explainer(explainable.gates(batch), batch.edge_index, molecules=batch)
    N, F = batch.num_nodes, 10
    shapes = {None: None, "object": (N, 1), "attributes": (N, F), "common_attributes": (1, F)}
    node_mask, edge_mask = explanation.get("node_mask"), explanation.get("edge_mask")
    assert (None if node_mask is None else tuple(node_mask.shape)) == shapes[node]
    assert (None if edge_mask is None else tuple(edge_mask.shape)) == (None if edge is None else (batch.num_edges,))
    samples.assert_same(explanation.prediction, property_model()(batch)[:, :1])
    assert not explainable.model.training
    samples.assert_same(explainable(explainable.gates(batch), batch.edge_index, batch), explanation.prediction)


def planted() -> MoleBlendForPropertyPrediction:
    r"""A model that looks at nothing but nitrogen atoms."""
    model = property_model(1)
    embedding = model.encoder.atom_embedding
    with torch.no_grad():
        kept = embedding.features.weight[NITROGEN].clone()
        for parameter in embedding.parameters():
            parameter.zero_()
        embedding.features.weight[NITROGEN] = kept
    return model


@pytest.mark.parametrize("masks", ["object", "attributes"])
def test_gnn_explainer_finds_what_the_model_looks_at(masks: str):
    torch.manual_seed(0)
    graph, explainable = amide(), Explainable(planted(), 0)
    explainer = explainer_of(explainable, GNNExplainer(epochs=20), node_mask_type=masks)
    mask = explainer(explainable.gates(graph), graph.edge_index, molecules=graph).node_mask
    mask = mask[:, :-1] if masks == "attributes" else mask  # the rest is a difference: rounding is all that is left
    expected = torch.zeros_like(mask, dtype=torch.bool)
    expected[4, 0] = True  # the only nitrogen, by its atomic number
    assert torch.equal(mask > 0, expected)


def test_gnn_explainer_finds_the_bonds_that_the_model_looks_at():
    torch.manual_seed(0)
    graph, model = amide(), property_model(1)
    relations = model.encoder.attention_bias.blend.relations
    with torch.no_grad():
        relations["bond_path"].hops.zero_()
        keep = relations["spd"].table.weight[3].clone()
        relations["spd"].table.weight.zero_()
        relations["spd"].table.weight[3] = keep  # atoms three bonds apart: 0 and 3, 0 and 4, 1 and 5, 3 and 5
    explainable = Explainable(model, 0)
    explainer = explainer_of(explainable, GNNExplainer(epochs=20), edge_mask_type="object")
    explanation = explainer(explainable.gates(graph), graph.edge_index, molecules=graph)
    assert (explanation.edge_mask > 0).all()
    with torch.no_grad():
        relations["spd"].table.weight.zero_()
        relations["spd"].table.weight[4] = keep  # 0 and 5 alone: the way from 0 to 5 does not lead over atom 3
    explainable = Explainable(model, 0)
    explainer = explainer_of(explainable, GNNExplainer(epochs=20), edge_mask_type="object")
    mask = explainer(explainable.gates(graph), graph.edge_index, molecules=graph).edge_mask
    assert torch.equal(mask > 0, ~(graph.edge_index == 3).any(0))


def test_classifications():
    torch.manual_seed(0)
    model, batch = property_model(), molecules(2)
    explainable = Explainable(model, 1)
    explainer = explainer_of(explainable, GNNExplainer(epochs=3), "binary_classification", node_mask_type="object")
    explanation = explainer(explainable.gates(batch), batch.edge_index, molecules=batch)
    assert torch.equal(explanation.target, (model(batch)[:, 1] > 0).long())


def test_pygs_measures_of_explanations():
    torch.manual_seed(0)
    explainable, batch = Explainable(property_model(), 0), molecules(2)
    settings = {"node_mask_type": "object", "edge_mask_type": "object"}
    explainer = explainer_of(explainable, DummyExplainer(), "binary_classification", **settings)
    explanation = explainer(explainable.gates(batch), batch.edge_index, molecules=batch)
    assert all(0 <= value <= 1 for value in fidelity(explainer, explanation))
    nothing = {"node_mask": torch.ones(batch.num_nodes, 1), "edge_mask": torch.ones(batch.num_edges)}
    prediction = explainer.get_masked_prediction(explanation.x, batch.edge_index, **nothing, molecules=batch)
    assert torch.equal(prediction, explanation.prediction)
    explainable = Explainable(property_model(), 0, torch.sigmoid)
    explainer = explainer_of(explainable, DummyExplainer(), "binary_classification", **settings)
    explanation = explainer(explainable.gates(batch), batch.edge_index, molecules=batch)
    assert 0 <= unfaithfulness(explainer, explanation) <= 1


def test_features_have_names(tmp_path):
    explainable, graph = Explainable(property_model(), 0), amide()
    assert len(explainable.feature_names) == 10
    assert explainable.feature_names[0] == "atomic number"
    explainer = explainer_of(explainable, DummyExplainer(), node_mask_type="attributes", edge_mask_type="object")
    explanation = explainer(explainable.gates(graph), graph.edge_index, molecules=graph)
    explanation.visualize_feature_importance(str(tmp_path / "features.png"), list(explainable.feature_names))
    assert (tmp_path / "features.png").stat().st_size > 5_000
    assert explanation.get_explanation_subgraph().edge_index.size(1) <= graph.num_edges


@pytest.mark.parametrize("method", ["IntegratedGradients", "Saliency", "InputXGradient"])
def test_captum(method: str):
    pytest.importorskip("captum")
    torch.manual_seed(0)
    graph, explainable = amide(), Explainable(planted(), 0)
    explainer = explainer_of(explainable, CaptumExplainer(method), node_mask_type="attributes", edge_mask_type="object")
    explanation = explainer(explainable.gates(graph), graph.edge_index, molecules=graph)
    # Only at the nitrogen do features add to a state: elsewhere there is nothing but rounding.
    assert torch.equal((explanation.node_mask.abs() > 1e-6).any(1), torch.arange(6) == 4)
    assert explanation.edge_mask.shape == (graph.num_edges,)
    if method == "IntegratedGradients":  # completeness: attributions sum to the difference from closed gates
        explainer = explainer_of(explainable, CaptumExplainer(method, n_steps=50), node_mask_type="attributes")
        mask = explainer(explainable.gates(graph), graph.edge_index, molecules=graph).node_mask
        open_, closed = (explainable(gate * explainable.gates(graph), graph.edge_index, graph) for gate in (1, 0))
        assert mask.sum().item() == pytest.approx((open_ - closed).item(), rel=0.01)


def test_other_inputs_and_embeddings():
    r"""Categories of one's own have gates by number; another embedding has one gate an atom."""

    class Doubled(AtomEmbedding):
        def forward(self, molecules: DenseMolecules) -> Tensor:
            return 2 * super().forward(molecules)

    config, batch = samples.tiny_config(), Batch.from_data_list(other_graphs.zinc())
    relations = default_relations(config, other_graphs.ZINC_BONDS)
    names = {AtomEmbedding: ("feature 0", "environment"), Doubled: ("atom",)}
    for kind, expected in names.items():
        embedding = kind(config.channels, config.num_gaussians, feature_sizes=(other_graphs.ZINC_ATOMS,))
        model = MoleBlendForPropertyPrediction(config, 1, MoleBlend(config, relations, embedding))
        explainable = Explainable(samples.randomized(model))
        assert explainable.feature_names == expected
        gates = explainable.gates(batch)
        assert torch.equal(explainable(gates, batch.edge_index, batch), model(batch))
        assert not torch.allclose(explainable(0.5 * gates, batch.edge_index, batch), model(batch), atol=1e-2)


def test_wrong_arguments_are_refused():
    model, batch = property_model(), molecules()
    explainable = Explainable(model)
    for x in (batch.x, batch.x.float(), explainable.gates(batch)[:-1]):
        with pytest.raises(ValueError, match=r"must be the gates .* from Explainable.gates\(molecules\), got"):
            explainable(x, batch.edge_index, batch)
    with pytest.raises(ValueError, match="`task` must be from 0 to 1, got 2"):
        Explainable(model, 2)
    model.encoder = nn.Identity()
    with pytest.raises(ValueError, match="only a MoleBlend encoder can be explained, got Identity"):
        Explainable(model)


def test_recomputed_activations_have_the_same_gradients():
    graph, gradients = amide(), []
    for recompute in (False, True):
        model = property_model(1)
        model.encoder.activation_checkpointing = recompute
        explainable = Explainable(model)
        gates = explainable.gates(graph).requires_grad_()
        explainable(gates, graph.edge_index, graph).sum().backward()
        gradients.append(gates.grad)
    samples.assert_same(*gradients)
