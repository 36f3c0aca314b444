import math
from pathlib import Path

import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.fields import declare
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import Agreement, PairBlending, RecoveryState, constant_blend
from pyg_moleblend.utils import pack

C, SIZE, D = 5, 7, 3
declare("its_vector", level="graph", size=SIZE)


def graphs(count: int = 6) -> list[Data]:
    found = samples.molecules(count)
    generator = torch.Generator().manual_seed(0)
    for graph in found:
        graph.its_vector = torch.randn(1, SIZE, generator=generator)
    return found


def made() -> Agreement:
    return samples.randomized(Agreement(C, "its_vector", SIZE, D))


def state_of(given: list[Data]) -> RecoveryState:
    molecules = pack(Batch.from_data_list(given), graph_fields=["its_vector"])
    graph = torch.randn(len(given), C, generator=torch.Generator().manual_seed(1))
    nothing = torch.zeros(0)
    return RecoveryState(graph, nothing, nothing, molecules, nothing, constant_blend(molecules, 0, 0))


def by_loops(module: Agreement, state: RecoveryState, rows: list[int]) -> tuple[float, float]:
    r"""Mean over both ways of the cross entropy, and of the share of those that find each other."""
    tokens = [unit(module.head(state.graph[row])) for row in rows]
    vectors = [unit(module.vector_head(state.molecules.graphs["its_vector"][row])) for row in rows]
    loss = hits = 0.0
    for one, other in ((tokens, vectors), (vectors, tokens)):
        for number, vector in enumerate(one):
            logits = [sum(a * b for a, b in zip(vector, u, strict=True)) / module.temperature.item() for u in other]
            loss += math.log(sum(map(math.exp, logits))) - logits[number]
            hits += max(range(len(rows)), key=logits.__getitem__) == number
    return loss / (2 * len(rows)), hits / (2 * len(rows))


def unit(vector: Tensor) -> list[float]:
    return (vector / vector.norm()).tolist()


@pytest.mark.parametrize("unknown", [[], [1], [0, 2, 3]])
def test_loss_and_quality_are_those_of_loops(unknown: list[int]):
    given, module = graphs(), made()
    for row in unknown:
        given[row].its_vector[0, row] = torch.nan
    state = state_of(given)
    rows = [row for row in range(6) if row not in unknown]
    loss, quality = by_loops(module, state, rows)
    found, (total, weight) = module.evaluate(state)
    assert found.item() == pytest.approx(loss, rel=1e-4)
    assert (total / weight).item() == pytest.approx(quality)
    assert weight == len(rows)
    prediction = module(state)
    assert prediction.norm(dim=-1).tolist() == pytest.approx([1] * 6)
    assert module.loss(prediction, state) == found
    assert module.quality(prediction, state) == (total, weight)


@pytest.mark.parametrize("known", [0, 1])
def test_fewer_than_two_have_nothing_to_disagree_with(known: int):
    given, module = graphs(3), made()
    for graph in given[known:]:
        graph.its_vector[:] = torch.nan
    loss, quality = module.evaluate(state_of(given))
    loss.backward()
    assert (loss, *quality) == (0, 0, 0)
    assert all((parameter.grad == 0).all() for parameter in module.parameters())
    assert module.evaluate(state_of(given[:1])).quality.weight == 0


def test_the_order_of_molecules_does_not_matter():
    state, module = state_of(graphs()), made()
    order = torch.tensor([3, 0, 5, 4, 1, 2])
    turned = state._replace(graph=state.graph[order], molecules=state.molecules.select(order))
    assert module.evaluate(turned).loss.item() == pytest.approx(module.evaluate(state).loss.item(), rel=1e-5)


def test_units_do_not_matter_once_fitted():
    given, scaled = graphs(), graphs()
    for graph in scaled:
        graph.its_vector = 1e6 * graph.its_vector + 3e6
    losses = []
    for molecules in (given, scaled):
        module = made()
        module.fit(torch.cat([graph.its_vector for graph in molecules]))
        losses.append(module.evaluate(state_of(molecules)).loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_gradients():
    given, module = graphs(), made().double()
    given[2].its_vector[0, 0] = torch.nan
    state = state_of(given)
    state = state._replace(graph=state.graph.double().requires_grad_())
    assert samples.gradcheck_parameters(module, lambda: module.evaluate(state).loss, [state.graph])


def test_the_temperature_is_bounded_and_can_come_back():
    module = Agreement(C, "its_vector", SIZE, D)
    assert module.temperature.item() == pytest.approx(0.07, rel=1e-4)
    for value, bound in ((30.0, 0.01), (-30.0, 1.0)):
        module.log_scale.data.fill_(value)
        assert module.temperature.item() == pytest.approx(bound, rel=1e-4)
    module.log_scale.data.fill_(5.0)
    module.temperature.backward()
    assert module.log_scale.grad != 0
    module.reset_parameters()
    assert module.temperature.item() == pytest.approx(0.07, rel=1e-4)


def test_molecules_learn_their_vectors_and_are_saved_with_them(tmp_path: Path):
    given = graphs()
    batch = Batch.from_data_list(given)
    config = samples.tiny_config(attention_dropout=0.0, activation_dropout=0.0)
    torch.manual_seed(0)
    blending = PairBlending({"spd": 0.5, "bond_path": 0.5}, atom_features={"degree": 1.0})
    model = MoleBlendForPretraining(config, None, {"own": Agreement(16, "its_vector", SIZE, 8)}, blending)
    model.objectives["own"].fit(batch.its_vector)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        model.step(batch).loss.backward()
        optimizer.step()
    assert model.encoder.graph_token.grad.abs().sum() > 0
    blend = model.draw_blend(model.pack(batch))
    step = model.eval().step(batch, blend)
    assert step.losses["own"] < 0.5 < math.log(6)
    loaded = from_pretrained(save_pretrained(model, tmp_path / "model"))
    assert loaded.step(batch, blend).loss == step.loss
    assert torch.equal(loaded.objectives["own"].center, model.objectives["own"].center)
