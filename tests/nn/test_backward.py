import pytest
import samples
import torch
import torch.nn.functional as F
from torch import nn
from torch_geometric.data import Batch

from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import constant_blend
from pyg_moleblend.nn.backward import run, touched
from pyg_moleblend.utils import DenseMolecules


@pytest.mark.parametrize("activation_checkpointing", [False, True])
def test_gradients_are_those_of_the_same_random_numbers(activation_checkpointing: bool):
    x = torch.linspace(-1, 1, 64, requires_grad=True)
    torch.manual_seed(0)
    kept = F.dropout(torch.ones(64), 0.5)
    torch.manual_seed(0)
    result = run(lambda value: F.dropout(value.square(), 0.5), x, activation_checkpointing=activation_checkpointing)
    torch.testing.assert_close(result, kept * x.square())
    torch.testing.assert_close(torch.autograd.grad(result.sum(), x)[0], 2 * kept * x)


def test_the_function_runs_again_only_with_checkpointing():
    calls = []

    def square(value: torch.Tensor) -> torch.Tensor:
        calls.append(value)
        return value.square().exp()

    for activation_checkpointing, expected in ((False, 1), (True, 2)):
        calls.clear()
        x = torch.ones(3, requires_grad=True)
        run(square, x, activation_checkpointing=activation_checkpointing).sum().backward()
        assert len(calls) == expected


MODELS = {
    "encoder": MoleBlend,
    "pretraining": MoleBlendForPretraining,
    "prediction": lambda config: MoleBlendForPropertyPrediction(config, 2),
}
IDLE = {
    "3d": ("gaussians", "atom_embedding.geometry", "attention_bias.blend.relations.distance"),
    "2d": (
        "atom_embedding.degree",
        "attention_bias.blend.relations.spd",
        "attention_bias.blend.relations.bond_path",
    ),
}
r"""Parameters of the encoder that a batch without the modality does not use."""


def without_3d() -> Batch:
    graphs = samples.molecules()
    for graph in graphs:
        graph.pos = None
    return Batch.from_data_list(graphs)


def packed(model: nn.Module, lacking: str) -> tuple[DenseMolecules, DenseMolecules]:
    r"""Molecules without a modality, and the same for which the model does not know that nobody has it."""
    batch = without_3d() if lacking == "3d" else Batch.from_data_list(samples.molecules())
    molecules = model.pack(batch, "2d+3d" if lacking == "3d" else "3d")
    assert molecules.modalities == tuple({"2d", "3d"} - {lacking})
    return molecules, molecules._replace(modalities=("2d", "3d"))


def outputs(kind: str, model: nn.Module, molecules: DenseMolecules) -> list[torch.Tensor]:
    if kind == "encoder":
        return list(model.encode(molecules))
    if kind == "prediction":
        return [model.readout(model.encoder.encode(molecules), molecules)]
    blend = model.draw_blend(molecules, torch.Generator().manual_seed(0))
    output = model.recover(molecules, blend)
    return [output.loss, *output.losses.values(), *output.predictions.values()]


@pytest.mark.parametrize("lacking", ["2d", "3d"])
@pytest.mark.parametrize("kind", list(MODELS))
def test_what_is_left_out_changes_no_output(kind: str, lacking: str):
    model = samples.randomized(MODELS[kind](samples.tiny_config()))
    for training in (True, False):
        with torch.set_grad_enabled(training):
            skipped, computed = (outputs(kind, model, molecules) for molecules in packed(model, lacking))
        assert all(torch.equal(a, b) for a, b in zip(skipped, computed, strict=True))


@pytest.mark.parametrize("activation_checkpointing", [False, True])
@pytest.mark.parametrize("lacking", ["2d", "3d"])
@pytest.mark.parametrize("kind", list(MODELS))
def test_every_parameter_has_a_gradient_of_zero_where_it_is_left_out(
    kind: str, lacking: str, activation_checkpointing: bool
):
    model = samples.randomized(MODELS[kind](samples.tiny_config())).train()
    encoder = getattr(model, "encoder", model)
    encoder.activation_checkpointing = activation_checkpointing
    gradients = []
    for molecules in packed(model, lacking):
        model.zero_grad()
        torch.manual_seed(0)
        if kind == "encoder":
            output = model.encode(molecules)
            (output.graph.square().sum() + output.atoms[molecules.mask].pow(3).sum()).backward()
        elif kind == "prediction":
            model(molecules, "2d+3d" if lacking == "3d" else "3d").square().sum().backward()
        else:
            blend = model.draw_blend(molecules, torch.Generator().manual_seed(0))
            model.score(molecules, blend).loss.backward()
        gradients.append({name: value.grad for name, value in encoder.named_parameters()})
    skipped, computed = gradients
    assert not [name for name, value in skipped.items() if value is None]
    for name, value in skipped.items():
        assert torch.equal(value, computed[name]), name
        assert value.any() != name.startswith(IDLE[lacking]), name


@pytest.mark.parametrize("kind", list(MODELS))
def test_a_batch_is_packed_without_what_nobody_has(kind: str):
    model = MODELS[kind](samples.tiny_config())
    graphs = samples.molecules(3)
    assert model.pack(Batch.from_data_list(graphs)).modalities == ("2d", "3d")
    assert model.pack(Batch.from_data_list(graphs), "2d").modalities == ("2d",)
    assert model.pack(Batch.from_data_list(graphs), "3d").modalities == ("3d",)
    assert model.pack(without_3d()).modalities == ("2d",)
    for graph in graphs[:2]:
        graph.has_pos = torch.tensor([False])
    graphs[2].has_pos = torch.tensor([True])
    assert model.pack(Batch.from_data_list(graphs)).modalities == ("2d", "3d")  # one has
    graphs[2].pos = torch.full_like(graphs[2].pos, float("nan"))
    assert model.pack(Batch.from_data_list(graphs)).modalities == ("2d",)


def test_nothing_of_the_geometry_is_computed_for_molecules_without_it(monkeypatch: pytest.MonkeyPatch):
    model = samples.randomized(MoleBlend(samples.tiny_config()))
    for module in (model.gaussians, model.atom_embedding.geometry, model.attention_bias.blend.relations["distance"]):
        monkeypatch.setattr(module, "forward", lambda *args: pytest.fail("was computed"))
    molecules = model.pack(without_3d())
    model.encode(molecules)
    model.encode(molecules, constant_blend(molecules, relation=2, atom_feature=1))


def test_a_value_is_given_as_it_is_and_its_graph_holds_the_parameters():
    module, value = nn.Linear(2, 3), torch.randn(4, requires_grad=True)
    result = touched(value, module, nn.Linear(1, 1))
    assert torch.equal(result, value)
    result.square().sum().backward()
    assert torch.equal(value.grad, 2 * value)
    assert all(not parameter.grad.any() for parameter in module.parameters())


def test_there_is_nothing_to_touch_without_gradients_parameters_or_need():
    value, module = torch.randn(4), nn.Linear(2, 3)
    assert touched(value) is value
    assert touched(value, nn.Dropout()) is value
    with torch.no_grad():
        assert touched(value, module) is value
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    assert touched(value, module) is value


def test_the_type_of_the_value_stays():
    value = torch.randn(4, dtype=torch.bfloat16)
    assert touched(value, nn.Linear(2, 3)).dtype == torch.bfloat16
    assert torch.equal(touched(value, nn.Linear(2, 3)), value)
