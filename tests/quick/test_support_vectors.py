import numpy as np
import pytest
from sklearn.svm import SVC, SVR

from pyg_moleblend.quick import support_vectors
from pyg_moleblend.quick.support_vectors import STRENGTHS, fit_support_vectors


def task(kind, rows=80):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 3))
    values = np.sin(2 * x[:, 0]) + 0.2 * generator.normal(size=rows)
    return x, x @ x.T + 1, np.where(values > 0, 1.0, -1.0) if kind == "classification" else values


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_the_sum_is_scikit_learns_decision(kind):
    _, kernel, y = task(kind)
    fit = fit_support_vectors(kernel, y, np.arange(80) % 4, kind)
    machine = SVC if kind == "classification" else SVR
    theirs = machine(kernel="precomputed", C=fit.setting).fit(kernel, y)
    wanted = theirs.decision_function(kernel) if kind == "classification" else theirs.predict(kernel)
    assert kernel @ fit.coefficients + fit.bias == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_a_fold_is_not_seen(kind):
    _, kernel, y = task(kind)
    folds = np.arange(80) % 4
    fit = fit_support_vectors(kernel, y, folds, kind)
    other = y.copy()
    other[folds == 2] *= -1  # predictions of a fold do not look at its own targets
    predicted = support_vectors._over_folds(kernel, other, folds, kind, fit.setting)
    assert predicted[folds == 2] == pytest.approx(fit.out_of_fold[folds == 2])
    assert predicted[folds == 0] != pytest.approx(fit.out_of_fold[folds == 0])


def test_the_strength_with_the_least_error_is_taken():
    _, kernel, y = task("regression")
    folds = np.arange(80) % 4
    tried = [support_vectors._over_folds(kernel, y, folds, "regression", strength) for strength in STRENGTHS]
    errors = [np.square(predicted - y).mean() for predicted in tried]
    assert fit_support_vectors(kernel, y, folds, "regression").setting == STRENGTHS[int(np.argmin(errors))]


def test_a_fold_may_see_one_class_only():
    _, kernel, y = task("classification")
    folds = np.where(y > 0, np.arange(80) % 4, 0)
    fit = fit_support_vectors(kernel, y, np.where(y > 0, 1, folds), "classification")
    assert np.isfinite(fit.out_of_fold).all()
