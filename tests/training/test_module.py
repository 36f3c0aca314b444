import math

import pytest

from pyg_moleblend.training.module import warmup_cosine


def test_learning_rate_warms_up_and_falls_to_zero():
    factors = [warmup_cosine(step, warmup=4, total=12) for step in range(13)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors[4:] == pytest.approx([0.5 * (1 + math.cos(math.pi * k / 8)) for k in range(9)])
    assert factors[-1] == pytest.approx(0)
    assert warmup_cosine(20, 4, 12) == pytest.approx(0)


def test_without_warmup_it_starts_at_the_top():
    assert warmup_cosine(0, 0, 10) == 1
