import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch

import pyg_moleblend.nn.objectives.pair_recovery as pair_recovery
from pyg_moleblend.nn import (
    BondPathRecovery,
    DisplacementRecovery,
    DistanceRecovery,
    Objective,
    RecoveryState,
    SPDRecovery,
    constant_blend,
)
from pyg_moleblend.utils import pack

C, R, P = 5, 4, 3
OBJECTIVES = {
    "spd": SPDRecovery(C, num_classes=4, pair_channels=R),
    "bond_path": BondPathRecovery(C, P, pair_channels=R),
    "displacement": DisplacementRecovery(C, R),
    "distance": DistanceRecovery(C, R),
}


def state() -> RecoveryState:
    molecules = pack(Batch.from_data_list(samples.molecules(5)), max_path_length=P)
    atoms = torch.randn(*molecules.mask.shape, C, generator=torch.Generator().manual_seed(0)).requires_grad_()
    bias = torch.zeros(5, 1, *[1 + molecules.mask.size(1)] * 2)
    return RecoveryState(atoms[:, 0], atoms, bias, molecules, molecules.pos, constant_blend(molecules, 0, 0))


def results(objective: Objective, state: RecoveryState) -> list[Tensor]:
    loss, quality = objective.evaluate(state)
    gradients = torch.autograd.grad(loss, [state.atoms, *objective.parameters()])
    return [loss.detach(), *quality, *gradients]


@pytest.mark.parametrize("name", list(OBJECTIVES))
@pytest.mark.parametrize("rows", [1, 2])
def test_blocks_of_rows_give_what_the_whole_gives(name: str, rows: int, monkeypatch: pytest.MonkeyPatch):
    objective, given = samples.randomized(OBJECTIVES[name]), state()
    whole = results(objective, given)
    prediction = objective(given)
    assert whole[0] == objective.loss(prediction, given)
    assert tuple(whole[1:3]) == objective.quality(prediction, given)

    seen = []
    count_rows = type(objective.head).rows

    def spy(head: torch.nn.Module, row: Tensor, contracted: Tensor) -> Tensor:
        seen.append(row.size(1))
        return count_rows(head, row, contracted)

    monkeypatch.setattr(type(objective.head), "rows", spy)
    B, N = given.molecules.mask.shape
    monkeypatch.setattr(pair_recovery, "BLOCK_ELEMENTS", rows * B * N * objective.head.bias.numel())
    for value, expected in zip(results(objective, given), whole, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
    assert rows <= max(seen) <= 2 * rows
    assert sum(seen) == 2 * N  # forward, and again in the backward pass


def test_a_block_has_at_least_a_row(monkeypatch: pytest.MonkeyPatch):
    objective, given = samples.randomized(OBJECTIVES["spd"]), state()
    whole = objective.evaluate(given).loss
    monkeypatch.setattr(pair_recovery, "BLOCK_ELEMENTS", 1)
    assert objective.evaluate(given).loss.item() == pytest.approx(whole.item(), rel=1e-5)
