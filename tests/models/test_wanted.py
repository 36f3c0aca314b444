from types import SimpleNamespace

import pytest
import samples
import torch
from torch import Tensor, nn

from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_relations,
)
from pyg_moleblend.models.wanted import Wanted, wanted_by
from pyg_moleblend.nn import (
    AtomEmbedding,
    BondPathBias,
    BondPathRecovery,
    GraphTokenReadout,
    PairBlending,
    Readout,
    RelationBias,
    SPDBias,
    SPDRecovery,
)


def part(**says: object) -> SimpleNamespace:
    return SimpleNamespace(**says)


def test_fields_are_those_of_all_parts_at_their_level():
    parts = [
        part(pair_fields=("spd", "a"), atom_fields=("b",)),
        part(pair_fields=["a", "c"], graph_fields={"d"}),
        part(),  # an objective that reads nothing, an encoder that says nothing
    ]
    wanted = wanted_by(iter(parts))
    assert wanted == Wanted(frozenset({"spd", "a", "c"}), frozenset({"b"}), frozenset({"d"}), None)
    assert wanted_by([]) == Wanted(frozenset(), frozenset(), frozenset(), None)


def test_what_was_gathered_is_gathered_again():
    whole = wanted_by([part(pair_fields=("a",), bond_vocabulary=4), part(graph_fields=("d",))])
    assert wanted_by([whole, part(atom_fields=("b",))]) == whole._replace(atom_fields=frozenset({"b"}))


def test_bonds_are_told_apart_in_one_way():
    assert wanted_by([part(bond_vocabulary=None), part(bond_vocabulary=4), part(), part(bond_vocabulary=4)])[3] == 4
    with pytest.raises(ValueError, match=r"differ in their `bond_vocabulary`: \['4', 'ogb'\]"):
        wanted_by([part(bond_vocabulary="ogb"), part(bond_vocabulary=4)])


class Reading(RelationBias):
    r"""Reads a field of each level."""

    pair_fields, atom_fields, graph_fields = ("near",), ("charge",), ("field_strength",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.ones(heads))

    def forward(self, molecules) -> Tensor:
        charge = molecules.atoms["charge"]
        value = molecules.pairs["near"] * charge[:, :, None] * molecules.graphs["field_strength"][:, None, None]
        return self.slope[:, None, None] * value[:, None]


class ReadingEmbedding(nn.Module):
    atom_fields = ("mass",)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(1, channels)

    def forward(self, molecules) -> Tensor:
        return self.linear(molecules.atoms["mass"][..., None])


class ReadingReadout(Readout):
    graph_fields = ("temperature",)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels + 1

    def forward(self, output, molecules) -> Tensor:
        return torch.cat([output.graph, molecules.graphs["temperature"][:, None]], -1)


def test_a_model_wants_what_its_parts_read():
    config = samples.tiny_config()
    encoder = MoleBlend(config, {"spd": SPDBias(4), "own": Reading(4)}, ReadingEmbedding(16))
    assert encoder.wanted == Wanted(
        frozenset({"spd", "near"}), frozenset({"charge", "mass"}), frozenset({"field_strength"}), None
    )
    pretraining = MoleBlendForPretraining(
        config, encoder, {"bond_path": BondPathRecovery(16)}, PairBlending({"own": 1.0})
    )
    assert pretraining.wanted == encoder.wanted._replace(
        pair_fields=frozenset({"spd", "near", "bond_path"}), bond_vocabulary="ogb"
    )
    predictor = MoleBlendForPropertyPrediction(config, 1, encoder, ReadingReadout(16))
    assert predictor.wanted == encoder.wanted._replace(graph_fields=frozenset({"field_strength", "temperature"}))


def test_a_model_lays_out_what_it_wants():
    config = samples.tiny_config()
    encoder = MoleBlend(config, {"spd": SPDBias(4), "own": Reading(4)}, ReadingEmbedding(16))
    model = samples.randomized(MoleBlendForPropertyPrediction(config, 1, encoder, ReadingReadout(16)))
    graphs = samples.molecules(3)
    for graph in graphs:
        size = graph.num_nodes
        graph.near, graph.charge, graph.mass = torch.rand(size * size), torch.rand(size), torch.rand(size)
        graph.field_strength, graph.temperature = torch.rand(1), torch.rand(1)
    batch = samples.batch_of(graphs)
    packed = model.pack(batch)
    assert packed.pairs.keys() == {"spd", "near"}
    assert packed.atoms.keys() == {"charge", "mass"}
    assert packed.graphs.keys() == {"field_strength", "temperature"}
    output = model(batch)
    for name in ("near", "charge", "mass", "field_strength", "temperature"):
        changed = batch.clone()
        changed[name] = 2 * batch[name]
        assert not torch.allclose(model(changed), output), name
        del changed[name]
        with pytest.raises(ValueError, match=f"'{name}'"):
            model(changed)


def test_models_of_the_paper_want_its_relations():
    config = samples.tiny_config()
    assert MoleBlend(config).wanted == Wanted(frozenset({"spd", "bond_path"}), frozenset(), frozenset(), "ogb")
    only = {"distance": default_relations(config)["distance"]}
    assert MoleBlend(config, only).wanted == Wanted(frozenset(), frozenset(), frozenset(), None)
    predictor = MoleBlendForPropertyPrediction(config, 1, MoleBlend(config, only), GraphTokenReadout(16))
    assert predictor.wanted == Wanted(frozenset(), frozenset(), frozenset(), None)
    objectives = {"spd": SPDRecovery(16)}
    model = MoleBlendForPretraining(config, MoleBlend(config, only), objectives, PairBlending({"distance": 1.0}))
    assert model.wanted.pair_fields == {"spd"}


def test_graphs_of_other_bonds_and_atoms_have_relations_of_theirs():
    config = samples.tiny_config()
    embedding = AtomEmbedding(16, 8, (5, 3))
    encoder = MoleBlend(config, default_relations(config, bond_vocabulary=4), embedding)
    assert encoder.wanted.bond_vocabulary == 4
    data = samples.molecules(3)[2]
    data.edge_attr = torch.arange(data.num_edges) // 2 % 4
    data.x = torch.stack([torch.arange(data.num_nodes) % 5, torch.arange(data.num_nodes) % 3], -1)
    objectives = {"bond_path": BondPathRecovery(16, vocabulary=4)}
    model = MoleBlendForPretraining(config, encoder, objectives)
    assert model(data).predictions["bond_path"].shape[-2:] == (5, 4)
    data.edge_attr[0] = 4
    with pytest.raises(ValueError, match="bond categories must be from 0 to 3"):
        model(data)
    with pytest.raises(ValueError, match=r"differ in their `bond_vocabulary`: \['4', 'ogb'\]"):
        MoleBlendForPretraining(config, encoder)  # whose own objectives are of OGB's bonds
    with pytest.raises(ValueError, match=r"differ in their `bond_vocabulary`: \['4', '5'\]"):
        MoleBlend(config, {"four": BondPathBias(4, 5, 4), "five": BondPathBias(4, 5, 5)})


def test_graphs_without_bond_features_have_hops_alone():
    config = samples.tiny_config()
    relations = default_relations(config, bond_vocabulary=None)
    assert list(relations) == ["spd", "distance"]
    data = samples.molecules(3)[2]
    data.edge_attr = None
    assert MoleBlend(config, relations)(data).graph.isfinite().all()
    with pytest.raises(ValueError, match=r"`bond_path` needs `edge_attr`.*bond_vocabulary=None"):
        MoleBlend(config)(data)
    assert isinstance(default_relations(config)["bond_path"], BondPathBias)
