import math

import pytest
import torch

from pyg_moleblend.nn import BCE, Focal


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_it_is_a_plain_loop(gamma: float):
    torch.manual_seed(0)
    outputs, labels = 2 * torch.randn(20, 1, 1).double(), torch.randint(2, (20, 1)).double()
    for logit, label, loss in zip(outputs.flatten(), labels.flatten(), Focal(gamma).loss(outputs, labels), strict=True):
        right = 1 / (1 + math.exp(-logit if label else logit))
        assert loss.item() == pytest.approx(-((1 - right) ** gamma) * math.log(right))


def test_without_a_power_it_is_the_cross_entropy_also_far_out():
    outputs, labels = torch.tensor([[[200.0]], [[-200.0]]], requires_grad=True), torch.ones(2, 1)
    torch.testing.assert_close(Focal(0).loss(outputs, labels), BCE().loss(outputs, labels))
    Focal(0.5).loss(outputs, labels).sum().backward()
    assert outputs.grad.isfinite().all()
    with pytest.raises(ValueError, match="`gamma` must be at least 0 and finite, got -1"):
        Focal(-1)
