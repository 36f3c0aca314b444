import numpy as np
import pytest
from sklearn.metrics import root_mean_squared_error

from pyg_moleblend.quick.folds import Groups
from pyg_moleblend.quick.target import Target

NAN = np.nan


def alone(rows):
    r"""Every row a group of its own."""
    return Groups(np.arange(rows), np.arange(rows))


def test_rows_are_those_with_a_label():
    labels = np.array([NAN, 3.0, 5.0, NAN, 10.0])
    target = Target.of(labels, "regression", alone(5), reference=np.array([0, 2, 4]), seed=0)
    assert target.rows.tolist() == [1, 2, 4]
    assert target.labelled.tolist() == [1, 2]  # places among the reference molecules
    assert sorted(target.folds.tolist()) == [0, 1, 2]
    assert target.values * target.std + target.mean == pytest.approx([3, 5, 10])
    assert target.values.std() == pytest.approx(1)


def test_labels_of_one_scaffold_are_in_several_folds():
    r"""In folds of all molecules they would be in one, and a fit without it would have nothing to see."""
    groups = Groups(np.arange(100), np.repeat(np.arange(10), 10))
    labels = np.where(np.arange(100) // 10 == 3, np.arange(100.0), NAN)
    every = groups.folds(0)
    assert len(np.unique(every[30:40])) == 1
    folds = Target.of(labels, "regression", groups, np.arange(100), 0).folds
    assert np.bincount(folds, minlength=4).min() >= 2


def test_the_error_of_values_is_in_their_unit():
    labels = np.array([3.0, 5.0, 10.0])
    target = Target.of(labels, "regression", alone(3), np.arange(3), 0)
    predicted = np.array([4.0, 5.0, 7.0])
    error = target.error(target.values, (predicted - target.mean) / target.std)
    assert error == pytest.approx(root_mean_squared_error(labels, predicted))
    assert target.score(error) == pytest.approx(error, abs=1e-6)


def test_classes():
    target = Target.of(np.array([0.0, 1, NAN, 1]), "classification", alone(4), np.arange(4), 0)
    assert target.values.tolist() == [-1, 1, 1]
    assert (target.mean, target.std) == (0, 1)
    assert target.error(target.values, np.array([0.1, 0.2, 0.05])) == pytest.approx(0.5)
    assert target.score(0.25) == 0.75
    assert target.error(np.ones(2), np.zeros(2)) == 0.5  # one class has no ROC-AUC


def test_a_constant_target_stays():
    target = Target.of(np.full(4, 7.0), "regression", alone(4), np.arange(4), 0)
    assert target.std == 1
    assert (target.values == 0).all()
