import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from pyg_moleblend.metrics.distribution import distribution_scores


def test_likelihood_and_crps_against_scipy_and_plain_integration():
    generator = torch.Generator().manual_seed(0)
    labels, mean = (torch.randn(20, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    std = 0.2 + torch.rand(20, 2, generator=generator, dtype=torch.float64)
    labels[:5, 1] = torch.nan
    found = distribution_scores(labels, mean, std)
    for target in range(2):
        known = ~labels[:, target].isnan()
        rows = list(zip(*(part[known, target].tolist() for part in (labels, mean, std)), strict=True))
        nll = -np.mean([norm.logpdf(y, m, s) for y, m, s in rows])
        crps = np.mean(
            [
                quad(lambda x, m=m, s=s: norm.cdf(x, m, s) ** 2, min(y, m - 10 * s), y)[0]
                + quad(lambda x, m=m, s=s: norm.sf(x, m, s) ** 2, y, max(y, m + 10 * s))[0]
                for y, m, s in rows
            ]
        )
        assert found["nll"].per_task[target] == pytest.approx(nll)
        assert found["crps"].per_task[target] == pytest.approx(crps, rel=1e-5)
    assert found["crps"].value == pytest.approx(np.mean(found["crps"].per_task))


def test_a_target_without_labels_is_not_scored():
    labels = torch.tensor([[1.0, torch.nan], [2.0, torch.nan]])
    score = distribution_scores(labels, torch.zeros(2, 2), torch.ones(2, 2))["nll"]
    assert score.num_tasks_scored == 1
    assert np.isnan(score.per_task[1])
    assert np.isfinite(score.value)
