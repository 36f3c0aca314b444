from collections import Counter

import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from pyg_moleblend.nn import (
    BondPathRecovery,
    DisplacementRecovery,
    DistanceRecovery,
    PairHead,
    RecoveryState,
    SPDRecovery,
)
from pyg_moleblend.nn.objectives.pair_sampling import PairSampling, draw_pairs
from pyg_moleblend.utils import pack

C, R, P = 5, 4, 3
MAKE = {
    "spd": lambda num_pairs: SPDRecovery(C, 4, R, num_pairs),
    "bond_path": lambda num_pairs: BondPathRecovery(C, P, "ogb", R, num_pairs),
    "displacement": lambda num_pairs: DisplacementRecovery(C, R, num_pairs),
    "distance": lambda num_pairs: DistanceRecovery(C, R, num_pairs),
}


def made(name: str, num_pairs: int | None) -> PairSampling:
    return samples.randomized(MAKE[name](num_pairs)).train()


def state_of(graphs: list[Data]) -> RecoveryState:
    return samples.pair_state(pack(Batch.from_data_list(graphs), max_path_length=P), C)


def graphs() -> list[Data]:
    r"""A salt and a lone atom among them, and two atoms on one point."""
    return [*samples.molecules(6), samples.methane_like(pos=torch.ones(2, 3))]


def means_of_molecules(objective: PairSampling, state: RecoveryState) -> tuple[Tensor, Tensor]:
    r"""Mean over molecules of the full loss, and of the full quality, of each molecule alone; those with nothing to
    count are left out."""
    losses, qualities = [], []
    for b in range(len(state.molecules.mask)):
        size = int(state.molecules.mask[b].sum())
        molecules = state.molecules.select(torch.tensor([b]))
        pairs = {key: value[:, :size, :size] for key, value in molecules.pairs.items()}
        molecules = molecules._replace(mask=molecules.mask[:, :size], pos=molecules.pos[:, :size], pairs=pairs)
        single = state._replace(atoms=state.atoms[b : b + 1, :size], molecules=molecules)
        loss, (total, weight) = objective.judge(objective(single), single)
        if weight > 0:
            losses.append(loss)
            qualities.append(total / weight)
    assert 2 < len(losses) < len(state.molecules.mask)
    return torch.stack(losses).mean(), torch.stack(qualities).mean()


@pytest.mark.parametrize("name", list(MAKE))
def test_many_draws_have_the_mean_of_the_full_loss(name: str):
    objective, state = made(name, 8), state_of(graphs())
    loss, quality = means_of_molecules(objective, state)
    draws = []
    torch.manual_seed(0)
    with torch.no_grad():
        for _ in range(600):
            found, (total, weight) = objective.evaluate(state)
            draws.append((found, total / weight))
    values = torch.tensor(draws, dtype=torch.float64)
    error = values.std(0) / len(draws) ** 0.5
    assert (error > 0).all()
    assert ((values.mean(0) - torch.stack([loss, quality]).detach()).abs() < 4 * error).all()


@pytest.mark.parametrize("name", ["displacement", "distance"])
def test_of_3d_relations_that_is_the_loss_over_all_pairs(name: str):
    objective, state = made(name, None), state_of(graphs())
    assert objective.evaluate(state).loss.item() == pytest.approx(means_of_molecules(objective, state)[0].item())


@pytest.mark.parametrize("name", list(MAKE))
def test_where_all_pairs_are_drawn_loss_and_gradient_are_exact(name: str):
    state = state_of(graphs())
    N = state.molecules.mask.size(1)
    objective = made(name, 2 * N * N)
    loss, quality = means_of_molecules(objective, state)
    found, (total, weight) = objective.evaluate(state)
    assert found.item() == pytest.approx(loss.item(), rel=1e-5)
    assert (total / weight).item() == pytest.approx(quality.item(), rel=1e-5)
    leaves = [state.atoms, *objective.parameters()]
    expected = torch.autograd.grad(loss, leaves)
    for gradient, other in zip(torch.autograd.grad(found, leaves), expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", list(MAKE))
def test_evaluation_counts_all_pairs(name: str):
    few, full, state = made(name, 8), made(name, None), state_of(graphs())
    assert few.eval().evaluate(state).loss == full.evaluate(state).loss
    assert torch.equal(few(state), full(state))


def test_the_draw_follows_from_the_generator():
    objective, state = made("spd", 8), state_of(graphs())

    def loss(seed: int) -> float:
        torch.manual_seed(seed)
        return objective.evaluate(state).loss.item()

    assert loss(0) == loss(0) != loss(1)


def test_every_pair_stands_for_itself():
    r"""Over many draws the weights of each pair that counts have mean 1; no other pair is ever drawn, none twice."""
    generator = torch.Generator().manual_seed(0)
    counted = torch.rand(3, 9, 9, generator=generator) < torch.tensor([0.9, 0.3, 0.0])[:, None, None]
    counted[1, :4] = False
    total, square, draws = torch.zeros(3, 9, 9), torch.zeros(3, 9, 9), 2000
    batch = torch.arange(3)[:, None, None].expand(3, 4, 3)
    torch.manual_seed(0)
    for _ in range(draws):
        first, second, weight = draw_pairs(counted, 12)
        assert (first.shape, second.shape) == ((3, 4), (3, 4, 3))
        pairs = (batch, first[..., None].expand(3, 4, 3), second)
        assert torch.zeros(3, 9, 9).index_put(pairs, (weight > 0).float(), accumulate=True).max() == 1
        here = torch.zeros(3, 9, 9).index_put(pairs, weight, accumulate=True)
        total, square = total + here, square + here**2
    mean = total / draws
    error = ((square / draws - mean**2) / draws).sqrt()
    assert (mean[~counted] == 0).all()
    assert ((mean - 1).abs() <= 4.5 * error)[counted].all()


def test_small_molecules_are_counted_whole():
    counted = torch.ones(2, 20, 20, dtype=torch.bool)
    counted[1, 5:] = counted[1, :, 5:] = False
    first, second, weight = draw_pairs(counted, 98)
    assert second.shape == (2, 14, 7)
    pairs = Counter((int(first[1, i]), int(second[1, i, j])) for i, j in weight[1].nonzero().tolist())
    assert pairs == {(i, j): 1 for i in range(5) for j in range(5)}
    assert (weight[1][weight[1] > 0] == 1).all()


def test_the_grid_is_part_of_all_pairs():
    head = samples.randomized(PairHead(C, 3, R)).double()
    atoms = torch.randn(2, 6, C, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    first, second = torch.tensor([[0, 5], [2, 2]]), torch.tensor([[[1, 1, 0], [5, 3, 2]], [[0, 4, 2], [5, 1, 3]]])
    whole, grid = head(atoms), head.grid(atoms, first, second)
    for b in range(2):
        for i in range(2):
            for j in range(3):
                torch.testing.assert_close(grid[b, i, j], whole[b, first[b, i], second[b, i, j]])
    assert samples.gradcheck_parameters(head, lambda: head.grid(atoms, first, second), [atoms])


@pytest.mark.parametrize("num_pairs", [0, -3, 2.5, True])
def test_a_number_of_pairs_is_positive(num_pairs: object):
    with pytest.raises(ValueError, match=f"`num_pairs` must be a positive integer or None, got {num_pairs}"):
        DistanceRecovery(C, R, num_pairs)


def test_the_whole_prediction_is_not_made(monkeypatch: pytest.MonkeyPatch):
    objective, state = made("bond_path", 8), state_of(graphs())
    monkeypatch.setattr(objective.head, "contract", None)
    objective.evaluate(state).loss.backward()
    assert samples.finite_gradients(objective)
    assert objective.pair_outputs == 0
