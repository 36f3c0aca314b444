import numpy as np
import pytest

from pyg_moleblend.quick import nystroem
from pyg_moleblend.quick.nystroem import NOISES, fit_nystroem

ROWS, LANDMARKS = 120, 15


@pytest.fixture
def task():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, 2))
    kernel = np.exp(-np.square(x[:, None] - x[None]).sum(-1))
    y = np.sin(x[:, 0]) + 0.1 * generator.normal(size=ROWS)
    return kernel[:LANDMARKS, :LANDMARKS], kernel[:, :LANDMARKS].astype(np.float32), y, np.arange(ROWS) % 4


def plain(landmarks, design, y, noise):
    design = design.astype(np.float64)
    bias = y.mean()
    return np.linalg.solve(design.T @ design + noise * landmarks, design.T @ (y - bias)), bias


def test_it_is_the_minimum(task):
    landmarks, design, y, folds = task
    fit = fit_nystroem(landmarks, design, y, folds)
    coefficients, bias = plain(landmarks, design, y, fit.setting)
    assert design @ fit.coefficients == pytest.approx(design @ coefficients, abs=1e-3)
    assert fit.bias == pytest.approx(bias)


def test_folds_are_left_out_and_the_ridge_is_the_best_of_them(task):
    landmarks, design, y, folds = task
    errors = []
    for noise in NOISES:
        predicted = np.empty_like(y)
        for fold in range(4):
            seen = folds != fold
            # The mean is that of all rows, as in the fit.
            centred = np.where(seen, y - y.mean(), 0)
            own = design[seen].astype(np.float64)
            solved = np.linalg.solve(own.T @ own + noise * landmarks, own.T @ centred[seen])
            predicted[~seen] = design[~seen] @ solved + y.mean()
        errors.append(np.square(predicted - y).mean())
        if noise == fit_nystroem(landmarks, design, y, folds).setting:
            assert fit_nystroem(landmarks, design, y, folds).out_of_fold == pytest.approx(predicted, abs=1e-3)
    assert fit_nystroem(landmarks, design, y, folds).setting == NOISES[int(np.argmin(errors))]


def test_blocks_of_rows_change_nothing(task, monkeypatch):
    whole = fit_nystroem(*task)
    monkeypatch.setattr(nystroem, "ROWS_AT_ONCE", 7)
    assert fit_nystroem(*task).coefficients == pytest.approx(whole.coefficients, rel=1e-6)


def test_with_all_rows_as_landmarks_it_is_kernel_ridge():
    generator = np.random.default_rng(1)
    x = generator.normal(size=(40, 2))
    kernel, y = np.exp(-np.square(x[:, None] - x[None]).sum(-1)), generator.normal(size=40)
    fit = fit_nystroem(kernel, kernel.astype(np.float32), y, np.arange(40) % 4)
    wanted = kernel @ np.linalg.solve(kernel + fit.setting * np.eye(40), y - y.mean()) + y.mean()
    assert kernel @ fit.coefficients + fit.bias == pytest.approx(wanted, abs=1e-4)
