r"""The forms in which PyG's own tools hand a batch to a model."""

import copy

import other_graphs
import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.loader import DataLoader
from torch_geometric.nn import Sequential, global_mean_pool, summary

from pyg_moleblend.fields import FIELDS, declare
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_relations,
)
from pyg_moleblend.nn import MoleBlendConv
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import pack


class Molecule(Data):
    r"""A ``Data`` of one's own, with a rule of its own for a key."""

    def __inc__(self, key: str, value: object, *args: object) -> object:
        return self.num_nodes if key == "centre" else super().__inc__(key, value, *args)


def models() -> dict[str, nn.Module]:
    config = samples.tiny_config()
    return {
        "encoder": samples.randomized(MoleBlend(config)),
        "property": samples.randomized(MoleBlendForPropertyPrediction(config, 2)),
        "pretraining": samples.randomized(samples.tiny_pretraining(config)),
    }


def number(model: nn.Module, batch: object) -> Tensor:
    r"""What a model makes of a batch."""
    if isinstance(model, MoleBlendForPretraining):
        return model(batch, generator=torch.Generator().manual_seed(0)).loss
    output = model(batch)
    return output if isinstance(output, Tensor) else torch.cat(output)


@pytest.fixture(params=["encoder", "property", "pretraining"])
def model(request: pytest.FixtureRequest) -> nn.Module:
    return models()[request.param]


@pytest.fixture(params=[False, True], ids=["derived", "attached"])
def batch(request: pytest.FixtureRequest) -> Batch:
    graphs = samples.molecules(4)
    return Batch.from_data_list([AddRelations()(graph) for graph in graphs] if request.param else graphs)


def test_a_batch_may_be_a_dictionary(model: nn.Module, batch: Batch):
    assert torch.equal(number(model, batch.to_dict()), number(model, batch))
    assert torch.equal(number(model, Data.from_dict(batch.to_dict())), number(model, batch))
    one = batch[2]
    assert torch.equal(number(model, one.to_dict()), number(model, one))


def test_a_batch_may_lack_its_batch_vector(model: nn.Module, batch: Batch):
    expected = number(model, batch)
    bare = copy.copy(batch)
    del bare.batch
    assert torch.equal(number(model, bare), expected)
    del bare.ptr
    with pytest.raises(ValueError, match="a batch of 4 molecules has neither `batch` nor `ptr`"):
        number(model, bare)


def test_a_batch_of_one_molecule_may_lack_both(model: nn.Module):
    one = Batch.from_data_list(samples.molecules(3)[2:])
    expected = number(model, one)
    del one.batch, one.ptr
    samples.assert_same(number(model, one), expected)


def test_a_data_of_ones_own_is_taken(model: nn.Module, batch: Batch):
    own = [Molecule(**graph.to_dict(), centre=torch.tensor([0])) for graph in batch.to_data_list()]
    collated = Batch.from_data_list(own)
    assert collated.centre.tolist() == batch.ptr[:-1].tolist()
    assert torch.equal(number(model, collated), number(model, batch))


def test_followed_keys_change_nothing(model: nn.Module, batch: Batch):
    keys = ["x", "spd"] if "spd" in batch else ["x"]
    followed = next(iter(DataLoader(batch.to_data_list(), batch_size=4, follow_batch=keys)))
    assert "x_batch" in followed
    assert torch.equal(number(model, followed), number(model, batch))


def test_keys_may_be_excluded(model: nn.Module, batch: Batch):
    excluded = next(iter(DataLoader(batch.to_data_list(), batch_size=4, exclude_keys=["spd", "bond_path"])))
    assert "spd" not in excluded
    assert torch.equal(number(model, excluded), number(model, batch))


def test_several_types_of_nodes_are_refused(model: nn.Module):
    data = HeteroData()
    data["atom"].x, data["bead"].x = torch.zeros(2, 9).long(), torch.zeros(1, 9).long()
    for given in (data, Batch.from_data_list([data, data])):
        with pytest.raises(
            ValueError, match=r"HeteroData with the node types \['atom', 'bead'\].*`to_homogeneous\(\)`"
        ):
            number(model, given)


def test_an_empty_batch_is_refused(model: nn.Module):
    nothing = Data(x=torch.zeros(0, 9).long(), edge_index=torch.zeros(2, 0).long(), edge_attr=torch.zeros(0, 3).long())
    with pytest.raises(ValueError, match="no atoms"):
        number(model, nothing)


def test_a_dictionary_has_no_transform_applied():
    def attach(data: Data) -> Data:
        data.weight = torch.ones(data.num_nodes**2)
        return data

    declare("weight", level="pair", transform=attach)
    try:
        batch = Batch.from_data_list(samples.molecules(2))
        assert pack(batch, ["weight"]).pairs["weight"].sum() == sum(n**2 for n in batch.ptr.diff().tolist())
        assert pack(batch[0].to_dict(), ["weight"]).pairs["weight"].all()
        with pytest.raises(ValueError, match=r"\['weight'\] are attached molecule by molecule"):
            pack(batch.to_dict(), ["weight"])
    finally:
        del FIELDS["weight"]


def test_summaries_name_every_layer():
    pytest.importorskip("tabulate")
    batch = Batch.from_data_list(samples.molecules(3))
    for name, model in models().items():
        table = summary(model, batch, max_depth=2)
        assert type(model).__name__ in table, name
        assert "encoder" in table or name == "encoder"
    conv = MoleBlendConv(8, heads=2)
    table = summary(conv, torch.randn(batch.num_nodes, 8), batch.edge_index, batch.edge_attr, batch.batch)
    assert f"[{batch.num_nodes}, 8]" in table
    assert str(sum(p.numel() for p in conv.blend.relations["spd"].parameters())) in table


def test_models_stand_in_a_sequential():
    r"""The encoder on a batch, layers and pooling on its atoms."""
    batch = Batch.from_data_list(samples.molecules(3))
    config = samples.tiny_config()
    body = Sequential(
        "data, edge_index, edge_attr, batch",
        [
            (MoleBlend(config), "data -> encoded"),
            (lambda encoded: encoded.atoms, "encoded -> x"),
            (MoleBlendConv(config.channels, 4), "x, edge_index, edge_attr, batch -> x"),
            (global_mean_pool, "x, batch -> x"),
            nn.Linear(config.channels, 1),
        ],
    )
    output = body(batch, batch.edge_index, batch.edge_attr, batch.batch)
    assert output.shape == (3, 1)
    output.sum().backward()
    assert samples.finite_gradients(body)


def test_a_batch_of_other_graphs_may_be_a_dictionary():
    config = samples.tiny_config()
    model = samples.randomized(MoleBlend(config, default_relations(config, other_graphs.ZINC_BONDS)))
    batch = Batch.from_data_list(other_graphs.zinc())
    batch.x = batch.x.expand(-1, 9) * 0
    assert torch.equal(model(batch.to_dict()).graph, model(batch).graph)
