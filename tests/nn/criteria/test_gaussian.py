import numpy as np
import pytest
import torch
from scipy.stats import norm

from pyg_moleblend.nn import Gaussian

OUTPUTS = 2 * torch.randn(60, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.randn(60, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_it_is_the_negative_log_density():
    expected = -norm.logpdf(LABELS, OUTPUTS[..., 0], Gaussian().std(OUTPUTS))
    np.testing.assert_allclose(Gaussian().loss(OUTPUTS, LABELS), expected, rtol=1e-9)


def test_of_a_bound_it_is_that_of_the_tail():
    mean, std = OUTPUTS[..., 0], Gaussian().std(OUTPUTS)
    above = Gaussian().bound_loss(OUTPUTS, LABELS, torch.ones_like(LABELS))
    below = Gaussian().bound_loss(OUTPUTS, LABELS, -torch.ones_like(LABELS))
    np.testing.assert_allclose(above, -norm.logsf(LABELS, mean, std), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(below, -norm.logcdf(LABELS, mean, std), rtol=1e-7, atol=1e-12)


def test_bounds_far_out_have_finite_gradients():
    outputs = torch.tensor([[[-300.0, -20.0]], [[300.0, -20.0]]], requires_grad=True)
    loss = Gaussian().bound_loss(outputs, torch.zeros(2, 1), torch.ones(2, 1))
    loss.sum().backward()
    assert loss.isfinite().all()
    assert outputs.grad.isfinite().all()


def test_deviations_are_positive():
    assert (Gaussian().std(torch.tensor([[[0.0, -1e4]]])) > 0).all()
    assert Gaussian().knows_std


def test_the_gradient_of_a_bound_far_out_is_the_straight_lines():
    outputs = torch.tensor([[[-1000.0, -20.0]]], requires_grad=True)  # a million standard deviations off
    Gaussian().bound_loss(outputs, torch.zeros(1, 1), torch.ones(1, 1)).sum().backward()
    std = float(Gaussian().std(outputs.detach()))
    assert float(outputs.grad[0, 0, 0]) == pytest.approx(-1000 / std**2, rel=1e-4)
