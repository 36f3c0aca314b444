import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

from pyg_moleblend.quick import gaussian_process
from pyg_moleblend.quick.gaussian_process import (
    Mixture,
    Spread,
    choose_mixture,
    inverse,
    leave_folds_out,
    spread_over_folds,
)


def points(rows, seed=0, width=2):
    return np.random.default_rng(seed).normal(size=(rows, width))


def gaussian(x, z, scale=1.0):
    return np.exp(-np.square(x[:, None] - z[None]).sum(-1) / (2 * scale**2))


def test_against_scikit_learn():
    x, z = points(30), points(9, 1)
    y = np.sin(x[:, 0]) + 0.1 * points(30, 2)[:, 0]
    process = GaussianProcessRegressor(RBF(1.0, "fixed") + WhiteKernel(0.1, "fixed"), alpha=0.0).fit(x, y)
    mean, std = process.predict(z, return_std=True)
    kernel, mixture = gaussian(x, x), Mixture(np.ones(1), 0.1)
    assert gaussian(z, x) @ inverse(kernel, 0.1) @ y == pytest.approx(mean)
    spread = Spread.of(mixture, kernel, np.arange(30), 1.0)
    assert spread(gaussian(z, x), np.ones(9)) == pytest.approx(std)


def test_leaving_folds_out_is_fitting_without_them():
    x, folds, noise = points(40), np.arange(40) % 4, 0.3
    kernel, y = gaussian(x, x), np.cos(x[:, 1])
    mean, variance = leave_folds_out(kernel, y, folds, noise)
    for fold in range(4):
        seen, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        solver = inverse(kernel[np.ix_(seen, seen)], noise)
        across = kernel[np.ix_(held, seen)]
        assert mean[held] == pytest.approx(across @ solver @ y[seen])
        wanted = kernel.diagonal()[held] + noise - np.einsum("hs,st,ht->h", across, solver, across)
        assert variance[held] == pytest.approx(wanted)


def test_likelihood_and_its_slope(monkeypatch):
    x = points(25)
    parts = np.stack([gaussian(x, x), x @ x.T, gaussian(x, x, 0.2)])
    y, point = np.sin(x[:, 0]), np.array([0.3, 0.5, 0.1, 0.2])
    value, slope = gaussian_process._negative_log_likelihood(parts, y, point)
    covariance = np.tensordot(point[:-1], parts, 1) + point[-1] * np.eye(25)
    scale = y @ np.linalg.solve(covariance, y) / 25
    wanted = -multivariate_normal(np.zeros(25), scale * covariance).logpdf(y)
    assert value + 12.5 * (1 + np.log(2 * np.pi)) == pytest.approx(wanted)
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-5
        up, down = (gaussian_process._negative_log_likelihood(parts, y, point * np.exp(s))[0] for s in (step, -step))
        assert slope[place] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)


def test_the_kernel_that_explains_the_targets_weighs_most():
    x = points(150, width=3)
    # The first kernel sees what the targets depend on, the others see something else.
    parts = np.stack([gaussian(x[:, :1], x[:, :1]), gaussian(x[:, 1:2], x[:, 1:2]), gaussian(x[:, 2:], x[:, 2:])])
    y = np.sin(2 * x[:, 0])
    mixture = choose_mixture(parts.astype(np.float32), (y - y.mean()) / y.std())
    assert mixture.weights.sum() == pytest.approx(1)
    assert mixture.weights[0] > 0.8
    assert mixture.noise < 0.05


def test_noise_is_found():
    x, generator = points(300), np.random.default_rng(5)
    kernel = gaussian(x, x)
    y = generator.multivariate_normal(np.zeros(300), kernel + 0.5 * np.eye(300))
    mixture = choose_mixture(kernel[None].astype(np.float32), y / y.std())
    assert 0.3 < mixture.noise < 0.8


def test_a_sum_without_one_of_its_kernels():
    parts = np.random.default_rng(0).random((3, 4, 4)).astype(np.float32)
    mixture = Mixture(np.array([0.5, 0.25, 0.25]), 0.1)
    rest = mixture.without(0)
    assert rest(parts) == pytest.approx((parts[1] + parts[2]) / 2)
    # What is left is twice as large now, and so is the noise beside it.
    assert rest.noise == pytest.approx(0.2)


def test_a_matrix_that_is_none_of_a_kernel():
    with pytest.raises(ValueError, match="not positive definite"):
        inverse(np.array([[1.0, 2.0], [2.0, 1.0]]), 0.0)


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
