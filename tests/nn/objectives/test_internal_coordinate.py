import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.losses import angle_loss, torsion_loss
from pyg_moleblend.nn import AngleRecovery, RecoveryState, TorsionRecovery
from pyg_moleblend.nn.objectives import pair_recovery
from pyg_moleblend.nn.objectives.internal_coordinate import InternalCoordinateRecovery
from pyg_moleblend.utils import pack

C, R = 5, 4
LOSS = {AngleRecovery: angle_loss, TorsionRecovery: torsion_loss}

pytestmark = pytest.mark.parametrize("kind", list(LOSS))

Kind = type[InternalCoordinateRecovery]


def made(kind: Kind, num_pairs: int | None = None) -> InternalCoordinateRecovery:
    return samples.randomized(kind(C, R, num_pairs))


def state_of(graphs: list[Data]) -> RecoveryState:
    return samples.pair_state(pack(Batch.from_data_list(graphs), ["spd"]), C)


def assert_alike(found: pair_recovery.Outcome, expected: pair_recovery.Outcome) -> None:
    torch.testing.assert_close(found.loss, expected.loss)
    torch.testing.assert_close(found.quality.total, expected.quality.total)
    assert found.quality.weight == expected.quality.weight


def test_molecules_without_coordinates_are_left_out(kind: Kind):
    state, module = state_of(samples.molecules(5)), made(kind)
    known = torch.tensor([True, True, False, True, True])
    partly = state._replace(molecules=state.molecules._replace(has_3d=known))
    prediction = module(state)

    def loss_of(chosen: Tensor) -> float:
        molecules = state.molecules
        fields = molecules.pos[chosen], molecules.pairs["spd"][chosen], molecules.mask[chosen]
        return LOSS[kind](prediction[chosen], *fields).item()

    assert module.loss(prediction, state).item() == pytest.approx(loss_of(torch.ones(5, dtype=torch.bool)))
    assert module.loss(prediction, partly).item() == pytest.approx(loss_of(known))
    assert loss_of(known) != pytest.approx(module.loss(prediction, state).item())
    assert module.quality(prediction, partly).weight == module.quality(prediction, state).weight - 1


def test_nothing_to_count_is_no_loss(kind: Kind):
    state, module = state_of([samples.methane_like(pos=torch.zeros(1, 3))]), made(kind)
    prediction = module(state)
    assert module.loss(prediction, state) == 0
    assert module.quality(prediction, state) == (0, 0)


def test_blocks_of_rows_give_what_the_whole_gives(kind: Kind, monkeypatch: pytest.MonkeyPatch):
    module, state = made(kind), state_of(samples.molecules(5))
    expected, blocks, rows = module.judge(module(state), state), [], module._rows
    monkeypatch.setattr(pair_recovery, "BLOCK_ELEMENTS", 2 * state.molecules.mask.numel())
    monkeypatch.setattr(module, "_rows", lambda *arguments: blocks.append(1) or rows(*arguments))
    assert_alike(module.evaluate(state), expected)
    assert len(blocks) > 1


def test_as_many_pairs_as_there_are_give_what_all_give(kind: Kind):
    state = state_of(samples.molecules(5))
    sampled = made(kind, state.molecules.mask.size(1) ** 2).train()
    assert_alike(sampled.evaluate(state), made(kind).evaluate(state))


def test_a_few_drawn_pairs_are_right_on_average(kind: Kind):
    state, few = state_of(samples.molecules(5)), made(kind, 4).train()
    torch.manual_seed(0)
    with torch.no_grad():
        losses = torch.stack([few.evaluate(state).loss for _ in range(400)])
    expected = few.eval().evaluate(state).loss
    assert losses.std() > 0
    assert (losses.mean() - expected).abs() < 4 * losses.std() / 20
