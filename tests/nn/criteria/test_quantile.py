import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from pyg_moleblend.nn import Quantile


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_it_is_the_mean_of_three_pinball_losses(level: float):
    torch.manual_seed(0)
    criterion, outputs, labels = Quantile(level), torch.randn(40, 2, 3), 2 * torch.randn(40, 2)
    found = criterion.quantiles(outputs)
    expected = [
        mean_pinball_loss(labels.flatten(), found[..., i].flatten(), alpha=share)
        for i, share in enumerate([(1 - level) / 2, 0.5, (1 + level) / 2])
    ]
    assert criterion.loss(outputs, labels).mean().item() == pytest.approx(np.mean(expected), rel=1e-5)


def test_quantiles_of_many_labels_are_found_and_do_not_cross():
    criterion, generator = Quantile(0.8), torch.Generator().manual_seed(0)
    labels = torch.randn(5000, 1, generator=generator, dtype=torch.float64).exp()  # one side is longer
    outputs = torch.zeros(1, 1, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([outputs], lr=0.05)
    for _ in range(800):
        optimizer.zero_grad()
        criterion.loss(outputs.expand(5000, 1, 3), labels).mean().backward()
        optimizer.step()
    lower, upper = criterion.interval(outputs)
    expected = labels.quantile(torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)).tolist()
    assert [lower.item(), criterion.mean(outputs).item(), upper.item()] == pytest.approx(expected, abs=0.1)
    assert (criterion.quantiles(5 * torch.randn(100, 1, 3)).diff() > 0).all()


def test_the_level_is_checked():
    with pytest.raises(ValueError, match=r"`level` must be between 0 and 1, 0\.9 say, got 90"):
        Quantile(90)
