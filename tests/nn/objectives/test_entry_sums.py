import pytest
import samples
import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Batch

import pyg_moleblend.nn.objectives.entry_sums as entry_sums_module
import pyg_moleblend.nn.objectives.recovery as recovery
from pyg_moleblend.nn import BondPathRecovery, PairHead, RecoveryState, SPDRecovery
from pyg_moleblend.nn.objectives.entry_sums import entry_sums
from pyg_moleblend.nn.objectives.recovery import ClassRecovery
from pyg_moleblend.utils import pack

C, R, P, CLASSES = 5, 4, 3, 6
MAKE = {
    "spd": lambda num_pairs: SPDRecovery(C, 4, R, num_pairs),
    "bond_path": lambda num_pairs: BondPathRecovery(C, P, "ogb", R, num_pairs),
    "release": lambda num_pairs: BondPathRecovery(C, P, "release", R, num_pairs),
}


def draw(*size: int) -> Tensor:
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(size)))


def given() -> tuple[PairHead, Tensor, Tensor, Tensor, Tensor, Tensor]:
    r"""Five first atoms with second atoms in two groups; the last first atom, and all of the last entry, count not."""
    head = samples.randomized(PairHead(C, P * CLASSES, R).double())
    target = torch.randint(-1, CLASSES, (5, 3, P), generator=torch.Generator().manual_seed(0))
    target[4], target[..., P - 1] = -1, -1
    weight = draw(5, 3).abs()
    return head, draw(5, R), draw(2, 3, R), torch.tensor([0, 1, 1, 0, 0]), target, weight


def plain_sums(
    head: PairHead, row: Tensor, column: Tensor, owner: Tensor, target: Tensor, weight: Tensor
) -> tuple[Tensor, float]:
    loss, hits = row.new_zeros(()), 0.0
    for s, k, p in (target >= 0).nonzero().tolist():
        features = torch.outer(row[s], column[owner[s], k]).flatten()
        logits = (head.weight.flatten(1) @ features + head.bias).view(P, CLASSES)[p]
        loss = loss + weight[s, k] * F.cross_entropy(logits[None], target[s, k, p][None])
        hits += float(weight[s, k] * (logits.argmax() == target[s, k, p]))
    return loss, hits


@pytest.mark.parametrize("block", [1, 2**18])
def test_sums_and_gradients_are_those_of_a_plain_loop(block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(entry_sums_module, "BLOCK_ELEMENTS", block)
    head, row, column, *rest = given()
    leaves = [row.requires_grad_(), column.requires_grad_(), head.weight, head.bias]
    loss, hits = entry_sums(head, row, column, *rest)
    expected, expected_hits = plain_sums(head, row, column, *rest)
    torch.testing.assert_close(loss, expected)
    assert hits.item() == pytest.approx(expected_hits)
    assert not hits.requires_grad
    gradients = torch.autograd.grad(3 * loss, leaves)
    for gradient, other in zip(gradients, torch.autograd.grad(3 * expected, leaves), strict=True):
        torch.testing.assert_close(gradient, other)


def test_where_nothing_counts_all_is_zero():
    head, row, column, owner, target, weight = given()
    loss, hits = entry_sums(head, row.requires_grad_(), column, owner, torch.full_like(target, -1), weight)
    loss.backward()
    assert loss == hits == 0
    assert not row.grad.any()
    assert not head.weight.grad.any()


def test_without_gradients_the_sums_are_the_same():
    head, *rest = given()
    with torch.no_grad():
        loss, hits = entry_sums(head, *rest)
    assert not loss.requires_grad
    assert (loss, hits) == entry_sums(head, *rest)


def test_bf16_is_within_its_rounding():
    head, *rest = given()
    head, rest = head.float(), [x.float() if x.is_floating_point() else x for x in rest]
    rest[0].requires_grad_()
    expected, _ = entry_sums(head, *rest)
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = entry_sums(head, *rest)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=0.02, atol=0)
    gradients = [torch.autograd.grad(x, [rest[0], head.weight]) for x in (loss, expected)]
    for gradient, other in zip(*gradients, strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, other, rtol=0.1, atol=0.02 * other.abs().max().item())


def outcome_of(objective: ClassRecovery, state: RecoveryState) -> list[Tensor]:
    torch.manual_seed(0)
    loss, quality = objective.evaluate(state)
    return [loss, *quality, *torch.autograd.grad(loss, [state.atoms, *objective.parameters()])]


@pytest.mark.parametrize("num_pairs", [None, 8])
@pytest.mark.parametrize("name", list(MAKE))
def test_an_objective_is_what_it_is_over_all_pairs(name: str, num_pairs: int | None, monkeypatch: pytest.MonkeyPatch):
    objective = samples.randomized(MAKE[name](num_pairs)).train()
    state = samples.pair_state(pack(Batch.from_data_list(samples.molecules(6)), max_path_length=P), C)
    found = outcome_of(objective, state)
    monkeypatch.setattr(recovery, "chooses_entries", lambda state: False)
    for value, expected in zip(found, outcome_of(objective, state), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
