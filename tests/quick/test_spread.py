import numpy as np
import pytest

from pyg_moleblend.quick.gaussian_process import Mixture, leave_folds_out
from pyg_moleblend.quick.spread import Spread, spread_over_folds


@pytest.fixture
def kernel():
    x = np.random.default_rng(0).normal(size=(40, 2))
    return np.exp(-np.square(x[:, None] - x[None]).sum(-1))


def test_over_folds_with_all_rows_known(kernel):
    folds, every = np.arange(40) % 4, np.arange(40)
    _, variance = leave_folds_out(kernel, np.zeros(40), folds, 0.2)
    found = spread_over_folds(Mixture(np.ones(1), 0.2), kernel, np.ones(40), folds, every)
    assert found == pytest.approx(np.sqrt(variance))


def test_who_knows_less_is_less_sure(kernel):
    mixture = Mixture(np.ones(1), 0.2)
    folds, few = np.arange(40) % 4, np.arange(0, 40, 3)
    less = spread_over_folds(mixture, kernel[:, few], np.ones(40), folds, few)
    assert (less >= spread_over_folds(mixture, kernel, np.ones(40), folds, np.arange(40)) - 1e-9).all()


def test_far_from_everything_it_is_that_of_the_prior(kernel):
    spread = Spread.of(Mixture(np.ones(1), 0.2), kernel, np.arange(40), 4.0)
    assert spread(np.zeros((1, 40)), np.ones(1)) == pytest.approx([np.sqrt(4 * 1.2)])
    assert (spread(kernel, np.ones(40)) < np.sqrt(4 * 1.2)).all()
