r"""The dense cores compile as one graph whose sizes may change."""

import copy
import logging
from collections.abc import Iterator

import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn.objectives import pair_recovery

SIZES = [(3, 5), (2, 6), (0, 6)]
r"""First and last molecule of each batch. Sizes that happen to equal those of other axes (3 coordinates, 5 hops,
9 features) are right too, but compile once more."""


@pytest.fixture(autouse=True)
def _fresh_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "propagate", False)  # thousands of lines a failure
    torch._dynamo.reset()
    with torch._dynamo.config.patch(error_on_recompile=True):
        yield
    torch._dynamo.reset()


def batches() -> list[Batch]:
    graphs = samples.molecules(6)
    return [Batch.from_data_list(graphs[first:last]) for first, last in SIZES]


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    found = {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}
    model.zero_grad()
    return found


def assert_same_gradients(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert actual.keys() == expected.keys()
    largest = max(gradient.abs().max() for gradient in expected.values())
    for name, gradient in expected.items():
        assert (actual[name] - gradient).abs().max() <= 1e-5 * largest, name


@pytest.mark.parametrize("activation_checkpointing", [False, True])
def test_encoder_forward_and_backward(activation_checkpointing: bool):
    model = samples.randomized(MoleBlend(samples.tiny_config(num_layers=1))).train(activation_checkpointing)
    model.activation_checkpointing = activation_checkpointing
    compiled = copy.deepcopy(model)
    compiled.compile(fullgraph=True, dynamic=True, backend="aot_eager")
    for batch in batches():
        outputs = []
        for each in (model, compiled):
            torch.manual_seed(0)  # of the dropout, which checkpointing must draw a second time
            outputs.append(each(batch))
        expected, actual = outputs
        samples.assert_same(actual.graph, expected.graph)
        samples.assert_same(actual.atoms, expected.atoms)
        for output in (expected, actual):
            output.graph.square().sum().backward()
        assert_same_gradients(gradients(compiled), gradients(model))


@pytest.mark.parametrize("backend", ["eager", pytest.param("aot_eager", marks=pytest.mark.slow)])
def test_pretraining_forward_and_backward(backend: str):
    model = samples.randomized(MoleBlendForPretraining(samples.tiny_config(num_layers=1)))
    compiled = copy.deepcopy(model)
    compiled.compile(fullgraph=True, dynamic=True, backend=backend)
    for batch in batches():
        expected = model(batch)
        actual = compiled(batch, blend=expected.blend)
        for name, loss in expected.losses.items():
            assert actual.losses[name].item() == pytest.approx(loss.item(), rel=1e-5)
            samples.assert_same(actual.predictions[name], expected.predictions[name])
        for output in (expected, actual):
            output.loss.backward()
        assert_same_gradients(gradients(compiled), gradients(model))


def test_molecules_without_a_modality_have_a_graph_of_their_own():
    model = samples.randomized(MoleBlend(samples.tiny_config(num_layers=1)))
    batch = batches()[0]
    expected = {modality: model(batch, modality).graph for modality in ("2d", "3d", "2d+3d")}
    model.compile(fullgraph=True, dynamic=True, backend="eager")
    with torch._dynamo.config.patch(error_on_recompile=False):
        for modality, graph in expected.items():
            samples.assert_same(model(batch, modality).graph, graph)
            model(batch, modality).graph.sum().backward()


def test_property_prediction():
    model = samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(num_layers=1), num_tasks=2))
    expected = [model(batch) for batch in batches()]
    model.compile(fullgraph=True, dynamic=True, backend="eager")
    for batch, logits in zip(batches(), expected, strict=True):
        samples.assert_same(model(batch), logits)


def test_a_compiled_model_is_saved_copied_and_changed_like_any_other():
    model = samples.randomized(MoleBlend(samples.tiny_config(num_layers=1)))
    names, batch = set(model.state_dict()), batches()[0]
    model.compile(backend="eager")
    assert set(model.state_dict()) == names
    before = model(batch).graph
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(0.5)
    samples.assert_same(model(batch).graph, before)
    assert not torch.allclose(twin(batch).graph, before)


@pytest.mark.slow
def test_inductor_forward():
    model = samples.randomized(MoleBlend(samples.tiny_config(num_layers=1)))
    expected = [model(batch) for batch in batches()]
    model.compile(fullgraph=True, dynamic=True)
    with torch.no_grad():
        for batch, output in zip(batches(), expected, strict=True):
            samples.assert_same(model(batch).graph, output.graph)


def test_predictions_in_blocks_compile_once_for_many_sizes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pair_recovery, "BLOCK_ELEMENTS", 2**9)
    model = samples.randomized(MoleBlendForPretraining(samples.tiny_config(num_layers=1)))
    objective = model.objectives["displacement"]
    states = []
    for size in (20, 22, 24, 26):  # 4 blocks each
        molecules = [from_smiles("C" * size)]
        molecules[0].pos = torch.randn(size, 3)
        packed = model.pack(Batch.from_data_list(molecules))
        states.append(model._encode(packed, model.draw_blend(packed)))
    expected = [objective.evaluate(state).loss for state in states]
    compiled = torch.compile(type(objective).evaluate, fullgraph=True, dynamic=True, backend="eager")
    for state, loss in zip(states, expected, strict=True):
        torch.testing.assert_close(compiled(objective, state).loss, loss)
