import golden_data
import pytest
import samples
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torch_geometric.data import Batch

from pyg_moleblend.models import MoleBlend, default_relations
from pyg_moleblend.utils import DenseMolecules

STATES = {"2d+3d": "encoder_2d3d", "2d": "encoder_2d"}


def encoder(seed: int = 0, **changes: object) -> MoleBlend:
    return samples.randomized(MoleBlend(samples.tiny_config(**changes)), seed)


@pytest.mark.parametrize("modality", list(STATES))
def test_golden_embedding(modality: str):
    model = golden_data.pretraining_model()
    tokens, _ = model.encoder.tokens_and_bias(golden_data.packed(model, modality))
    golden_data.assert_matches(tokens, golden_data.public()[STATES[modality]][0], golden_data.token_mask())


@pytest.mark.parametrize("modality", list(STATES))
def test_golden_states(modality: str):
    graph, atoms = golden_data.pretraining_model().encoder(golden_data.public_batch(), modality)
    expected = golden_data.public()[STATES[modality]][-1]
    golden_data.assert_matches(graph, expected[:, 0])
    golden_data.assert_matches(atoms, expected[:, 1:][golden_data.atom_mask()])


def test_output_is_in_the_batchs_order():
    model, batch = encoder(), Batch.from_data_list(samples.molecules(4))
    output, dense = model(batch), model.encode(model.pack(batch))
    assert output.graph.shape == (4, 16)
    assert output.atoms.shape == (batch.num_nodes, 16)
    for row, (molecule, start) in enumerate(zip(batch.batch.tolist(), batch.ptr[batch.batch].tolist(), strict=True)):
        assert torch.equal(output.atoms[row], dense.atoms[molecule, row - start])
    assert dense.bias.shape == (4, 4, 1 + dense.atoms.size(1), 1 + dense.atoms.size(1))


def test_input_is_not_written_to():
    batch = Batch.from_data_list(samples.molecules(4))
    before = batch.clone()
    encoder()(batch)
    assert batch.keys() == before.keys()
    assert all(torch.equal(batch[name], before[name]) for name in ("x", "pos", "edge_index", "edge_attr"))


def test_packed_molecules_are_taken_too():
    model, batch = encoder(), Batch.from_data_list(samples.molecules(4))
    packed = model.pack(batch)
    for modality in ("2d", "3d", "2d+3d"):
        samples.assert_same(model(packed, modality).graph, model(batch, modality).graph)


@pytest.mark.parametrize("relations", [("spd",), ("distance",), ("distance", "bond_path")])
def test_any_subset_of_relations(relations: tuple[str, ...]):
    config = samples.tiny_config()
    chosen = {name: default_relations(config)[name] for name in relations}
    model = samples.randomized(MoleBlend(config, chosen))
    assert tuple(model.modalities) == relations
    assert model(samples.molecules(1)[0]).graph.isfinite().all()
    assert (model.pack(samples.molecules(1)[0]).pairs.keys() == {"spd", "bond_path"}) == ("bond_path" in relations)


class Typed(nn.Module):
    r"""An atom embedding that tells two types of atoms by a field of its own."""

    num_types = 2
    atom_fields = ("kind",)

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.table = nn.Embedding(2, channels)

    def atom_types(self, molecules: DenseMolecules) -> torch.Tensor:
        return molecules.atoms["kind"]

    def forward(self, molecules: DenseMolecules) -> torch.Tensor:
        return self.table(molecules.atoms["kind"])


class Untyped(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(5, channels)

    def forward(self, molecules: DenseMolecules) -> torch.Tensor:
        return self.linear(molecules.x)


def test_an_atom_embedding_of_ones_own_tells_the_types_of_the_basis():
    model = samples.randomized(MoleBlend(samples.tiny_config(), atom_embedding=Typed(16)))
    data = samples.molecules(3)[2]
    data.kind = torch.arange(data.num_nodes) % 2
    assert model.gaussians.scale.shape == (2, 2)
    assert model.wanted.atom_fields == {"kind"}
    before = model.encode(model.pack(data)).bias
    with torch.no_grad():
        model.gaussians.scale[:, 1] += 1.0
    after = model.encode(model.pack(data)).bias
    same = (data.kind[:, None] == 0) & (data.kind == 0)
    changed = (before != after)[0, :, 1:, 1:].any(0)
    assert not changed[same].any()
    assert changed[~same].any()


def test_an_atom_embedding_of_ones_own_takes_features_of_any_kind():
    model = samples.randomized(MoleBlend(samples.tiny_config(), atom_embedding=Untyped(16)))
    data = samples.molecules(3)[2]
    data.x = torch.randn(data.num_nodes, 5, generator=torch.Generator().manual_seed(0))
    assert model.gaussians.scale.shape == (2, 1)  # all atoms are of one type
    outputs = [model(data, modality).graph for modality in ("2d", "3d", "2d+3d")]
    assert all(output.isfinite().all() for output in outputs)
    before = model.atom_embedding.linear.weight.clone()
    model.reset_parameters()
    assert not torch.equal(model.atom_embedding.linear.weight, before)


def test_drop_path_rises_linearly_over_the_layers():
    rates = [layer.drop_path.probability for layer in encoder(num_layers=5, drop_path=0.2).layers]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert encoder(num_layers=1, drop_path=0.2).layers[0].drop_path.probability == 0


def test_reset_draws_every_parameter_again():
    model = encoder()
    before = {name: value.clone() for name, value in model.named_parameters()}
    model.reset_parameters()
    assert not [name for name, value in model.named_parameters() if torch.equal(value, before[name])]


def test_a_seed_gives_the_same_fresh_weights():
    torch.manual_seed(3)
    fresh = MoleBlend(samples.tiny_config()).state_dict()
    torch.manual_seed(3)
    again = MoleBlend(samples.tiny_config()).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in fresh.items())


@pytest.mark.parametrize("dropout", ["dropout", "attention_dropout", "activation_dropout", "drop_path"])
def test_every_dropout_acts_in_training_only(dropout: str):
    off = {"dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0, "drop_path": 0.0}
    model, batch = encoder(**{**off, dropout: 0.5}), Batch.from_data_list(samples.molecules(4))
    exact = encoder(**off)(batch).graph
    samples.assert_same(model(batch).graph, exact)
    torch.manual_seed(0)
    assert not torch.allclose(model.train()(batch).graph, exact)


def test_dropout_reaches_the_embedding():
    model, molecules = encoder(dropout=0.5).train(), encoder().pack(samples.molecules(1)[0])
    torch.manual_seed(0)
    tokens, _ = model.tokens_and_bias(molecules)
    assert (tokens == 0).float().mean().item() == pytest.approx(0.5, abs=0.15)


def test_activation_checkpointing_gives_the_same_gradients():
    model, batch = encoder(dropout=0.2, attention_dropout=0.2, drop_path=0.2).train(), samples.molecules(1)[0]

    def gradients() -> list[torch.Tensor]:
        torch.manual_seed(0)
        return list(torch.autograd.grad(model(batch).graph.square().sum(), list(model.parameters())))

    whole = gradients()
    model.activation_checkpointing = True
    for value, expected in zip(gradients(), whole, strict=True):
        torch.testing.assert_close(value, expected)


def test_activation_checkpointing_computes_no_linear_map_of_a_layer_again():
    model, batch = encoder().train(), samples.molecules(1)[0]
    model.activation_checkpointing = True
    with FlopCounterMode(display=False) as forward:
        loss = model(batch).graph.sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    with FlopCounterMode(display=False) as embedding:
        model.tokens_and_bias(model.pack(batch))
    of_forward, of_backward, of_embedding = (
        run.get_flop_counts()["Global"][torch.ops.aten.addmm] for run in (forward, backward, embedding)
    )
    assert of_backward == of_embedding < of_forward
