import math

import numpy as np
import pytest

from pyg_moleblend.metrics.conformal import interval_width


def test_the_width_is_an_order_statistic():
    scores = np.arange(1.0, 20.0)  # 19 of them: the 18th is the 0.9 quantile of 20 places
    assert interval_width(scores, 0.9) == 18
    assert interval_width(scores, 0.95) == 19
    assert interval_width(scores, 0.99) == math.inf


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_coverage(level):
    r"""Over many draws, a new score is within the width as often as the level says."""
    generator = np.random.default_rng(2)
    draws = [np.sort(generator.exponential(size=60)) for _ in range(4000)]
    within = [generator.exponential() <= interval_width(scores, level) for scores in draws]
    assert np.mean(within) == pytest.approx(level, abs=0.025)


@pytest.mark.parametrize("level", [0, 1, 90])
def test_levels(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        interval_width(np.ones(3), level)
