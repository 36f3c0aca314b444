import pytest
import samples
import torch
from torch_geometric.data import Data

from pyg_moleblend.transforms import PerturbPositions


@pytest.mark.parametrize("std", [0.05, 0.2, 1.0])
def test_noise_has_its_scale(std: float):
    pos = torch.zeros(20_000, 3)
    noise = PerturbPositions(std, torch.Generator().manual_seed(0))(Data(pos=pos)).pos
    assert noise.std(0).tolist() == pytest.approx([std] * 3, rel=0.02)
    assert noise.mean(0).tolist() == pytest.approx([0] * 3, abs=0.02 * std)
    assert not pos.any()


def test_noise_is_added_and_the_rest_left_alone():
    data = samples.molecules(3)[2]
    moved = PerturbPositions(0.2, torch.Generator().manual_seed(0))(data)
    expected = torch.randn(data.pos.shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(moved.pos - data.pos, 0.2 * expected, rtol=0, atol=1e-6)
    assert torch.equal(moved.x, data.x)
    assert not torch.equal(moved.pos, data.pos)


def test_a_seed_replays_it_and_calls_differ():
    data = samples.molecules(1)[0]
    transform = PerturbPositions(generator=torch.Generator().manual_seed(1))
    first, second = transform(data).pos, transform(data).pos
    again = PerturbPositions(generator=torch.Generator().manual_seed(1))(data).pos
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_without_noise_nothing_moves():
    data = samples.molecules(1)[0]
    assert torch.equal(PerturbPositions(0.0)(data).pos, data.pos)


def test_unknown_coordinates_stay_unknown_and_dtype_is_kept():
    pos = torch.zeros(3, 3, dtype=torch.float64)
    pos[1] = float("nan")
    moved = PerturbPositions()(Data(pos=pos)).pos
    assert moved.dtype == torch.float64
    assert moved.isnan().all(1).tolist() == [False, True, False]


@pytest.mark.parametrize("std", [-0.1, float("nan"), float("inf")])
def test_an_impossible_scale_is_refused(std: float):
    with pytest.raises(ValueError, match=f"got {std}"):
        PerturbPositions(std)


def test_coordinates_are_asked_for():
    with pytest.raises(ValueError, match="AddConformer"):
        PerturbPositions()(Data(x=torch.zeros(2, 9)))


def test_repr_holds_every_argument():
    assert repr(PerturbPositions(0.1)) == "PerturbPositions(std=0.1, seed=None)"
    assert repr(PerturbPositions(generator=torch.Generator().manual_seed(4))) == "PerturbPositions(std=0.2, seed=4)"


def test_workers_would_draw_the_same_noise_so_a_generator_is_refused_there(monkeypatch):
    transform = PerturbPositions(0.1, torch.Generator())
    monkeypatch.setattr("pyg_moleblend.transforms.perturb_positions.get_worker_info", lambda: object())
    with pytest.raises(ValueError, match="workers"):
        transform(Data(pos=torch.zeros(2, 3)))
    PerturbPositions(0.1)(Data(pos=torch.zeros(2, 3)))
