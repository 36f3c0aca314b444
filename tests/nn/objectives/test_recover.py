import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.preprocessing import RobustScaler
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.fields import declare
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import PairBlending, Recover, RecoveryState, constant_blend
from pyg_moleblend.nn.objectives.field import LIMIT, quartiles
from pyg_moleblend.utils import pack

C, SIZE = 5, 11
LEVELS, KINDS = ["graph", "atom", "pair"], ["value", "class", "bits"]
CASES = [(level, kind) for level in LEVELS for kind in KINDS]
for _level in LEVELS:
    for _kind in KINDS:
        declare(f"its_{_level}_{_kind}", level=_level, meaning="of the tests")
declare("its_packed", level="graph", dtype="uint8")


def targets(kind: str, rows: int, seed: int) -> Tensor:
    r"""Rows of a field, a third of them unknown."""
    generator = torch.Generator().manual_seed(seed)
    unknown = torch.rand(rows, SIZE, generator=generator) < 0.3
    if kind == "class":
        return torch.randint(SIZE, (rows,), generator=generator).masked_fill(unknown[:, 0], -1)
    values = torch.randn(rows, SIZE, generator=generator)
    return (values if kind == "value" else (values > 0.5).float()).masked_fill(unknown, torch.nan)


def with_fields(count: int = 5) -> list[Data]:
    graphs = samples.molecules(count)
    for number, graph in enumerate(graphs):
        rows = {"graph": 1, "atom": graph.num_nodes, "pair": graph.num_nodes**2}
        for level, kind in CASES:
            graph[f"its_{level}_{kind}"] = targets(kind, rows[level], number)
    return graphs


def made(level: str, kind: str, **arguments: Any) -> Recover:
    module = samples.randomized(Recover(level, f"its_{level}_{kind}", C, SIZE, kind, pair_channels=4, **arguments))
    if kind == "value":
        module.fit(3 + 2 * torch.randn(50, SIZE, generator=torch.Generator().manual_seed(9)))
    return module


def state_of(graphs: list[Data], module: Recover) -> RecoveryState:
    molecules = pack(
        Batch.from_data_list(graphs),
        [*module.pair_fields],
        atom_fields=module.atom_fields,
        graph_fields=module.graph_fields,
    )
    generator = torch.Generator().manual_seed(0)
    atoms = torch.randn(*molecules.mask.shape, C, generator=generator)
    graph = torch.randn(len(graphs), C, generator=generator)
    return RecoveryState(graph, atoms, torch.zeros(0), molecules, molecules.pos, constant_blend(molecules, 0, 0))


def rows_of(module: Recover, state: RecoveryState, graphs: list[Data]) -> tuple[Tensor, Tensor]:
    r"""Predictions and targets of all graphs, atoms or pairs, molecule by molecule, without padding."""
    prediction, predictions = module(state), []
    for b, graph in enumerate(graphs):
        size = graph.num_nodes
        cut = {"graph": (b, None), "atom": (b, slice(size)), "pair": (b, slice(size), slice(size))}[module.level]
        predictions.append(prediction[cut].reshape(-1, SIZE))
    return torch.cat(predictions).detach(), torch.cat([graph[module.field] for graph in graphs])


@pytest.mark.parametrize(("level", "kind"), CASES)
def test_loss_and_quality_are_those_of_scikit_learn(level: str, kind: str):
    graphs, module = with_fields(), made(level, kind)
    state = state_of(graphs, module)
    prediction, target = rows_of(module, state, graphs)
    if kind == "class":
        known = target >= 0
        chosen, labels = prediction[known], target[known]
        loss = log_loss(labels, chosen.double().softmax(-1), labels=range(SIZE))
        quality = accuracy_score(labels, chosen.argmax(-1))
    elif kind == "bits":
        known = ~target.isnan()
        labels = target[known]
        loss = log_loss(labels, prediction[known].double().sigmoid())
        quality = balanced_accuracy_score(labels, prediction[known] > 0)
    else:
        known = ~target.isnan()
        standard = ((target - module.center) / module.scale)[known].tolist()
        errors = [abs(a - b) for a, b in zip(prediction[known].tolist(), standard, strict=True)]
        loss = sum(0.5 * e * e if e < 1 else e - 0.5 for e in errors) / len(errors)
        quality = sum(errors) / len(errors)
    assert 0 < known.sum() < known.numel()
    found, (total, weight) = module.evaluate(state)
    assert weight.item() == known.sum()
    assert found.item() == pytest.approx(loss, rel=1e-5)
    assert (total / weight).item() == pytest.approx(quality, rel=1e-5)
    assert module.is_likelihood == (kind != "value")


@pytest.mark.parametrize(("level", "kind"), CASES)
def test_a_batch_is_the_weighted_mean_of_its_molecules(level: str, kind: str):
    r"""So the loss of several processes is that of one, each weighted by what it counts."""
    graphs, module = with_fields(), made(level, kind)
    whole = state_of(graphs, module)
    losses, weights = [], []
    for b, graph in enumerate(graphs):
        single = state_of([graph], module)
        single = single._replace(graph=whole.graph[b : b + 1], atoms=whole.atoms[b : b + 1, : graph.num_nodes])
        loss, (_, weight) = module.evaluate(single)
        losses.append(loss.item())
        weights.append(weight.item())
    assert min(weights) < max(weights)
    expected = np.average(losses, weights=weights)
    assert module.evaluate(whole).loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("level", "kind"), [case for case in CASES if case[0] != "graph"])
def test_padding_is_not_counted(level: str, kind: str):
    module = made(level, kind)
    state = state_of(with_fields(), module)
    found = module.evaluate(state)
    outside = ~state.molecules.mask
    atoms = torch.where(outside[..., None], 100.0, state.atoms)
    fields = {"atom": state.molecules.atoms, "pair": state.molecules.pairs}[level]
    mask = state.molecules.mask if level == "atom" else state.molecules.pair_mask
    value = fields[module.field]
    filled = torch.where(mask.view(*mask.shape, *[1] * (value.dim() - mask.dim())), value, torch.ones_like(value))
    molecules = state.molecules._replace(**{f"{level}s": {module.field: filled}})
    assert outside.any()
    again = module.evaluate(state._replace(atoms=atoms, molecules=molecules))
    assert again.loss == found.loss
    assert again.quality == found.quality


@pytest.mark.parametrize(("level", "kind"), CASES)
def test_nothing_known_is_nothing_counted(level: str, kind: str):
    graphs, module = with_fields(3), made(level, kind)
    for graph in graphs:
        unknown = -1 if kind == "class" else torch.nan
        graph[module.field] = torch.full_like(graph[module.field], unknown)
    loss, quality = module.evaluate(state_of(graphs, module))
    loss.backward()
    assert (loss, *quality) == (0, 0, 0)
    assert all((parameter.grad == 0).all() for parameter in module.parameters())


@pytest.mark.parametrize(("level", "kind"), CASES)
def test_gradients(level: str, kind: str):
    module = made(level, kind).double()
    state = state_of(with_fields(3), module)
    state = state._replace(atoms=state.atoms.double().requires_grad_(), graph=state.graph.double().requires_grad_())
    read = state.graph if level == "graph" else state.atoms
    assert samples.gradcheck_parameters(module, lambda: module.evaluate(state).loss, [read])


@pytest.mark.parametrize(("level", "kind"), CASES)
def test_the_prediction_s_loss_is_the_one_without_it(level: str, kind: str):
    module = made(level, kind)
    state = state_of(with_fields(), module)
    prediction = module(state)
    leading = {"graph": 1, "atom": 2, "pair": 3}[level]
    assert prediction.shape == (*state.molecules.pair_mask.shape[:leading], SIZE)
    assert module.loss(prediction, state) == module.evaluate(state).loss
    assert module.pair_outputs == (SIZE if level == "pair" else 0)


@pytest.mark.parametrize("as_type", [torch.Tensor.bool, torch.Tensor.byte, torch.Tensor.long])
def test_bits_may_be_packed_or_integers(as_type: Callable[[Tensor], Tensor]):
    graphs, module = with_fields(), made("graph", "bits")
    packed_module = copy.deepcopy(module)
    packed_module.field, packed_module.graph_fields = "its_packed", ("its_packed",)
    for graph in graphs:
        bits = graph.its_graph_bits.nan_to_num() > 0.5
        graph.its_graph_bits = as_type(bits)
        graph.its_packed = torch.from_numpy(np.packbits(bits.numpy(), axis=1))
        assert graph.its_packed.shape == (1, 2)
    plain, packed = (m.counted(state_of(graphs, m)) for m in (module, packed_module))
    assert plain.known.all()
    assert plain.value.any()
    assert torch.equal(plain.value, packed.value)
    assert torch.equal(plain.known, packed.known)


def test_statistics_are_those_of_scikit_learn():
    values = torch.randn(400, 4, generator=torch.Generator().manual_seed(0)).exp()
    values[:, 1] *= 1e6
    values[::3, 2] = torch.nan
    module = Recover("graph", "its_graph_value", C, 4)
    assert not module.fitted
    assert (module.center.tolist(), module.scale.tolist()) == ([0.0] * 4, [1.0] * 4)
    module.fit(values)
    expected = RobustScaler().fit(values.numpy())
    torch.testing.assert_close(module.center, torch.from_numpy(expected.center_).float(), rtol=1e-5, atol=0)
    torch.testing.assert_close(1.349 * module.scale, torch.from_numpy(expected.scale_).float(), rtol=1e-5, atol=0)
    assert module.fitted


def test_columns_without_spread():
    r"""Constant, unknown, mostly one value, and infinite."""
    rare = torch.zeros(100)
    rare[:4] = 1
    unknown = torch.full((100,), torch.nan)
    infinite = torch.cat([torch.tensor([torch.inf, -torch.inf]), torch.arange(98.0)])
    module = Recover("graph", "its_graph_value", C, 4)
    module.fit(torch.stack([torch.full((100,), 7.0), unknown, rare, infinite], 1))
    assert module.center.tolist() == [7, 0, 0, 48.5]
    assert module.scale.tolist() == pytest.approx([1, 1, 0.2, (72.75 - 24.25) / 1.349])


def test_quartiles_interpolate_as_numpy_does():
    for size in (1, 2, 3, 10, 101):
        values = torch.randn(size, dtype=torch.float64, generator=torch.Generator().manual_seed(size))
        expected = np.quantile(values.numpy(), [0.25, 0.5, 0.75])
        torch.testing.assert_close(quartiles(values), torch.from_numpy(expected))


def test_targets_far_out_are_cut():
    graphs, module = with_fields(2), made("graph", "value")
    for sign, graph in zip((1, -1), graphs, strict=True):
        graph.its_graph_value = torch.full((1, SIZE), sign * 1e30)
    target, known = module.counted(state_of(graphs, module))
    assert known.all()
    assert (target == torch.tensor([[LIMIT], [-LIMIT]])).all()


def test_one_number_needs_no_dimension():
    graphs = samples.molecules(2)
    for graph in graphs:
        graph.its_graph_value = torch.tensor([float(graph.num_nodes)])
    module = Recover("graph", "its_graph_value", C, 1)
    target, _ = module.counted(state_of(graphs, module))
    assert target.flatten().tolist() == [graph.num_nodes for graph in graphs]


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match=r"`level` must be one of .*'molecule'"):
        Recover("molecule", "y", C, 1)
    with pytest.raises(ValueError, match=r"`kind` must be one of .*'float'"):
        Recover("graph", "y", C, 1, "float")
    with pytest.raises(ValueError, match=r"`size` must be a positive integer, got 0"):
        Recover("graph", "y", C, 0)
    module = Recover("graph", "its_graph_value", C, SIZE + 1)
    with pytest.raises(ValueError, match=r"'its_graph_value' must have 12 numbers a row, got \[2, 11\]"):
        module.evaluate(state_of(with_fields(2), module))


def model_of(**objectives: Recover) -> MoleBlendForPretraining:
    config = samples.tiny_config(attention_dropout=0.0, activation_dropout=0.0)
    blending = PairBlending({"spd": 0.5, "bond_path": 0.5}, atom_features={"degree": 1.0})
    torch.manual_seed(0)
    return MoleBlendForPretraining(config, None, objectives, blending)


def trained(model: MoleBlendForPretraining, batch: Batch, steps: int) -> list[float]:
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=3e-3), []
    torch.manual_seed(0)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model.step(batch).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_the_graph_token_learns_a_field_of_the_graph():
    graphs = with_fields(4)
    model = model_of(own=Recover("graph", "its_graph_value", 16, SIZE))
    model.objectives["own"].fit(torch.cat([graph.its_graph_value for graph in graphs]))
    losses = trained(model, Batch.from_data_list(graphs), 200)
    assert min(losses[-5:]) < 0.3 * losses[0]
    assert model.encoder.graph_token.grad.abs().sum() > 0


def test_labels_of_many_tasks_with_gaps_are_a_field_like_any_other():
    r"""Supervised pretraining: ``y`` with NaN, of a regression and as 0 and 1."""
    graphs = samples.molecules(5)
    for number, graph in enumerate(graphs):
        graph.y = torch.tensor([[float(number > 2), torch.nan if number % 2 else 1.0, torch.nan]])
    batch = Batch.from_data_list(graphs)
    model = model_of(y=Recover("graph", "y", 16, 3), active=Recover("graph", "y", 16, 3, "bits"))
    model.objectives["y"].fit(batch.y)
    step = model.step(batch)
    assert step.qualities["y"].weight == 5 + 3  # the third task has no label
    step.losses["y"].backward()
    last = model.objectives["y"].head[-1]
    assert last.weight.grad[:2].abs().sum(1).min() > 0
    assert (last.weight.grad[2] == 0).all()


def test_statistics_are_saved_and_loaded(tmp_path: Path):
    graphs = with_fields(3)
    objectives = {
        f"{level}_{kind}": Recover(level, f"its_{level}_{kind}", 16, SIZE, kind, pair_channels=4)
        for level, kind in CASES
    }
    model = model_of(**objectives)
    for level in LEVELS:
        model.objectives[f"{level}_value"].fit(torch.cat([graph[f"its_{level}_value"] for graph in graphs]))
    loaded = from_pretrained(save_pretrained(model, tmp_path / "model"))
    for name, objective in model.objectives.items():
        again = loaded.objectives[name]
        assert str(again) == str(objective)
        assert again.fitted
        assert torch.equal(again.center, objective.center)
        assert torch.equal(again.scale, objective.scale)
    batch = Batch.from_data_list(graphs)
    blend = model.draw_blend(model.pack(batch))
    assert loaded.step(batch, blend).loss == model.eval().step(batch, blend).loss


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("class", torch.tensor([SIZE]), "must be below size=11"),
        ("class", torch.tensor([0.0]), "must be one integer a row, -1 where unknown, got torch.float32"),
        ("class", torch.tensor([0, 1]), "must be one integer a row"),
        ("bits", torch.full((SIZE,), 2.0), "must be 0 or 1"),
        ("bits", torch.full((SIZE,), -1), "must be 0 or 1"),
    ],
)
def test_targets_outside_what_is_recovered_are_refused(level: str, kind: str, value: Tensor, message: str):
    module, graphs = made(level, kind), with_fields(2)
    for graph in graphs:
        rows = {"graph": 1, "atom": graph.num_nodes, "pair": graph.num_nodes**2}[level]
        graph[module.field] = value.repeat(rows, 1) if len(value) > 1 else value.repeat(rows)
    with pytest.raises(ValueError, match=f"field '{module.field}' {message}"):
        module.evaluate(state_of(graphs, module))


def test_statistics_of_another_size_are_refused():
    module, graphs = made("atom", "value"), with_fields(2)
    for graph in graphs:
        graph[module.field] = graph[module.field][:, :1].repeat(1, SIZE * 2)
    with pytest.raises(ValueError, match="field 'its_atom_value' must have 11 numbers a row"):
        module.known_rows(state_of(graphs, module).molecules)
