r"""Data in forms of their own, end to end: pretraining, a property model, saving and loading."""

from pathlib import Path

import networkx as nx
import other_graphs
import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import to_networkx, to_undirected

from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, save_pretrained
from pyg_moleblend.components import Component, register
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_objectives,
    default_relations,
)
from pyg_moleblend.nn import AtomEmbedding, MoleBlendConv, PairBlending
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules


@register
class LinearEmbedding(Component, nn.Module):
    r"""Any number of floats a node."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, channels)

    def reset_parameters(self) -> None:
        self.linear.reset_parameters()

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.linear(molecules.x)


SPD_AND_DISTANCE = PairBlending({"spd": 0.4, "distance": 0.6})


def categorical(data: list[Data], atoms: int, bonds: int) -> tuple[MoleBlendForPretraining, Batch, AddRelations]:
    config = samples.tiny_config()
    embedding = AtomEmbedding(config.channels, config.num_gaussians, feature_sizes=(atoms,))
    encoder = MoleBlend(config, default_relations(config, bonds), embedding)
    model = MoleBlendForPretraining(config, encoder, default_objectives(config, bonds))
    return model, Batch.from_data_list(data), AddRelations(bond_vocabulary=bonds)


def floats(data: list[Data]) -> tuple[MoleBlendForPretraining, Batch, AddRelations]:
    config = samples.tiny_config()
    embedding = LinearEmbedding(config.channels, data[0].num_features)
    encoder = MoleBlend(config, default_relations(config, None), embedding)
    model = MoleBlendForPretraining(config, encoder, default_objectives(config, None), SPD_AND_DISTANCE)
    return model, Batch.from_data_list(data), AddRelations(bond_vocabulary=None)


CASES = {
    "zinc": lambda: categorical(other_graphs.zinc(), other_graphs.ZINC_ATOMS, other_graphs.ZINC_BONDS),
    "aqsol": lambda: categorical(other_graphs.aqsol(), other_graphs.AQSOL_ATOMS, other_graphs.AQSOL_BONDS),
    "social": lambda: floats([other_graphs.social(12, 0), other_graphs.social(30, 1)]),
    "mesh": lambda: floats([other_graphs.mesh(3, 4), other_graphs.mesh(5, 5)]),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[MoleBlendForPretraining, Batch, AddRelations]:
    torch.manual_seed(0)
    return CASES[request.param]()


def test_pretraining_learns_from_it(case):
    model, batch, _ = case
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        step = model.eval().step(batch, generator=torch.Generator().manual_seed(0))
        losses.append(float(step.losses["spd"].detach()))
        optimizer.zero_grad()
        step.loss.backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]
    assert samples.finite_gradients(model)


def test_a_property_is_learnt_from_it(case):
    pretraining, batch, _ = case
    model = MoleBlendForPropertyPrediction(pretraining.config, 1, pretraining.encoder).eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = (model(batch)[:, 0] - batch.y).square().mean()
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]


def test_saved_models_come_back(case, tmp_path: Path):
    model, batch, _ = case
    model = samples.randomized(model)
    again = from_pretrained(save_pretrained(model, tmp_path / "pretraining"))
    step = [m.step(batch, generator=torch.Generator().manual_seed(0)).loss for m in (model, again)]
    assert torch.equal(*step)
    assert torch.equal(encoder_from_pretrained(tmp_path / "pretraining")(batch).graph, model.encoder(batch).graph)
    head = MoleBlendForPropertyPrediction(model.config, 2, model.encoder).eval()
    assert torch.equal(from_pretrained(save_pretrained(head, tmp_path / "head"))(batch), head(batch))


def test_attached_relations_are_the_derived_ones(case):
    model, batch, transform = case
    molecules = batch.to_data_list()
    attached = Batch.from_data_list([transform(data) for data in molecules])
    packed, derived = model.pack(attached), model.pack(batch)
    assert packed.pairs.keys() == derived.pairs.keys()
    assert all(torch.equal(packed.pairs[name], values) for name, values in derived.pairs.items())
    assert torch.equal(packed.degree, derived.degree)
    for number, data in enumerate(molecules):
        graph = to_networkx(data, to_undirected=True)
        lengths = dict(nx.all_pairs_shortest_path_length(graph))
        for i in range(data.num_nodes):
            assert derived.degree[number, i] == graph.degree(i)
            for j in range(data.num_nodes):
                assert derived.pairs["spd"][number, i, j] == lengths[i].get(j, 255)


def test_a_batch_is_its_graphs(case):
    model, batch, _ = case
    encoder = samples.randomized(model).encoder
    alone = torch.cat([encoder(data).graph for data in batch.to_data_list()])
    samples.assert_same(encoder(batch).graph, alone)


def test_a_graph_of_hundreds_of_nodes():
    model, _, transform = floats([other_graphs.mesh(3, 4)])
    encoder, grid = samples.randomized(model).encoder, other_graphs.mesh(15, 20)
    assert transform(grid).spd.view(300, 300)[0, 299] == 19
    assert torch.equal(encoder(transform(grid)).graph, encoder(grid).graph)
    assert encoder(grid).atoms.shape == (300, 16)
    steps = to_undirected(torch.stack([torch.arange(289), torch.arange(1, 290)]))
    chain = Data(x=torch.ones(290, 1), edge_index=steps)
    assert encoder(chain).graph.isfinite().all()


def test_types_of_atoms_reach_the_distances():
    model, batch, _ = categorical(other_graphs.zinc(), other_graphs.ZINC_ATOMS, other_graphs.ZINC_BONDS)
    assert model.encoder.gaussians.scale.shape == (2, other_graphs.ZINC_ATOMS)
    batch.pos = torch.randn(batch.num_nodes, 3, generator=torch.Generator().manual_seed(0))
    encoder = samples.randomized(model).encoder
    other = batch.clone()
    other.x = (batch.x + 5) % other_graphs.ZINC_ATOMS
    with torch.no_grad():
        encoder.atom_embedding.features.weight.zero_()  # so that types matter for distances alone
    assert not torch.allclose(encoder(batch).graph, encoder(other).graph)
    assert torch.equal(encoder(batch, "2d").graph, encoder(other, "2d").graph)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, r"OGB's 9 atom features a row, got shape \[19, 1\].*feature_sizes"),
        ({"x": torch.zeros(19, 9)}, r"`x` must hold integers, got torch.float32; an atom embedding of your own"),
        ({"x": torch.zeros(19, 9, dtype=torch.bool)}, r"`x` must hold integers, got torch.bool"),
        ({"x": torch.zeros(19, 9).long()}, r"OGB's 3 bond features a row.*bond_vocabulary=NUMBER.*default_relations"),
        ({"x": torch.zeros(19, 9).long(), "edge_attr": None}, r"needs `edge_attr`.*bond_vocabulary=None"),
    ],
    ids=["x", "float x", "bool x", "edge_attr", "no edge_attr"],
)
def test_defaults_say_which_arguments_are_wanted(changes: dict[str, Tensor], message: str):
    batch = Batch.from_data_list(other_graphs.zinc())
    batch.update(changes)
    for model in (MoleBlend(samples.tiny_config()), samples.tiny_pretraining()):
        with pytest.raises(ValueError, match=message):
            model(batch)


def test_categories_outside_are_refused():
    model, batch, _ = categorical(other_graphs.zinc(), 27, 3)
    with pytest.raises(ValueError, match=r"outside their vocabulary \(sizes \(27,\)\): values from \[0\] to \[27\]"):
        model(batch)
    batch.x[batch.x == 27] = 0
    with pytest.raises(ValueError, match=r"bond categories must be from 0 to 2, got values up to \[3\]"):
        model(batch)


def test_parts_of_a_model_tell_the_same_bonds_apart():
    config = samples.tiny_config()
    encoder = MoleBlend(config, default_relations(config, 4))
    with pytest.raises(ValueError, match=r"`bond_vocabulary`: \['4', 'ogb'\].*default_objectives"):
        MoleBlendForPretraining(config, encoder)
    assert MoleBlendForPretraining(config, encoder, default_objectives(config, 4)).wanted.bond_vocabulary == 4


def test_an_embedding_of_another_shape_is_refused():
    config = samples.tiny_config()
    with pytest.raises(ValueError, match=r"needs AtomEmbedding\(16, 8, feature_sizes=\(28,\)\), got \(16, 64\)"):
        MoleBlend(config, atom_embedding=AtomEmbedding(16, feature_sizes=(28,)))
    encoder = MoleBlend(config, default_relations(config, None), LinearEmbedding(8, 5))
    with pytest.raises(ValueError, match=r"must give \[B, N, 16\], got shape \[1, 12, 8\] from LinearEmbedding"):
        encoder(other_graphs.social())


def test_graphs_without_features_are_told_what_to_do():
    graph = other_graphs.social()
    del graph.x
    graph.num_nodes = 12
    config = samples.tiny_config()
    with pytest.raises(ValueError, match=r"no atom features `x`.*OneHotDegree"):
        MoleBlend(config, default_relations(config, None), LinearEmbedding(16, 5))(graph)


def test_a_layer_takes_it_too():
    batch = Batch.from_data_list(other_graphs.zinc())
    conv = samples.randomized(MoleBlendConv(8, heads=2, bond_vocabulary=other_graphs.ZINC_BONDS))
    x = torch.randn(batch.num_nodes, 8, generator=torch.Generator().manual_seed(0))
    out = conv(x, batch.edge_index, batch.edge_attr, batch.batch)
    assert not torch.allclose(out, conv(x, batch.edge_index, torch.zeros_like(batch.edge_attr), batch.batch))
    with pytest.raises(ValueError, match=r"bond_vocabulary=NUMBER.*MoleBlendConv"):
        MoleBlendConv(8, heads=2)(x, batch.edge_index, batch.edge_attr, batch.batch)
