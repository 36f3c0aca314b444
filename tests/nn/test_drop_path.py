import pytest
import torch

from pyg_moleblend.nn import DropPath


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8])
def test_a_molecule_is_dropped_whole_or_scaled_up(probability: float):
    torch.manual_seed(0)
    x = torch.rand(4000, 5, 3) + 1
    output = DropPath(probability)(x)
    kept = output.flatten(1).any(1)
    assert torch.equal(output[~kept], torch.zeros_like(x)[~kept])
    torch.testing.assert_close(output[kept], x[kept] / (1 - probability))
    assert kept.float().mean().item() == pytest.approx(1 - probability, abs=0.03)


def test_any_number_of_dimensions():
    torch.manual_seed(0)
    x = torch.ones(100)
    output = DropPath(0.5)(x)
    assert set(output.tolist()) == {0.0, 2.0}
    assert (x == 1).all()


def test_nothing_is_dropped_in_evaluation_or_without_probability():
    x = torch.rand(20, 4)
    assert torch.equal(DropPath(0.9).eval()(x), x)
    assert torch.equal(DropPath(0.0)(x), x)


@pytest.mark.parametrize("probability", [-0.1, 1.0, 2.0, float("nan")])
def test_impossible_probabilities_are_refused(probability: float):
    with pytest.raises(ValueError, match=rf"\[0, 1\), got {probability}"):
        DropPath(probability)


def test_printed_form():
    assert str(DropPath(0.1)) == "DropPath(probability=0.1)"
