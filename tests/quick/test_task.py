import json

import numpy as np
import pytest
import quick_molecules

from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, features_of
from pyg_moleblend.quick.folds import Groups
from pyg_moleblend.quick.gaussian_process import leave_folds_out
from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.kernels import Kernels
from pyg_moleblend.quick.scaler import Scaler
from pyg_moleblend.quick.target import Target
from pyg_moleblend.quick.task import fit_task
from pyg_moleblend.quick.training_rows import TrainingRows

SMILES, SIZE = quick_molecules.SMILES[:60], quick_molecules.SIZE[:60].astype(float)
LABELS = np.where(np.arange(60) % 5 == 2, np.nan, 10 * SIZE + np.arange(60) % 7)
CLASSES = np.where(np.isnan(LABELS), np.nan, SIZE > 9)
KINDS = [(LABELS, "regression"), (CLASSES, "classification")]


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyg_moleblend.quick.forest.fit_forest.__defaults__", (10,))
        yield


def rows_of(reference):
    inputs = Inputs.of(features_of(SMILES), DESCRIPTOR_NAMES)
    kernels = Kernels(inputs.take(reference), {"descriptors": Scaler.fit(inputs.dense["descriptors"])})
    return TrainingRows.of(kernels, inputs, LABELS[:, None], Groups.of(SMILES, "random"), reference)


@pytest.fixture(scope="module")
def training():
    return rows_of(np.arange(60))


def predictions(task, training):
    inputs, kernels = training.inputs, training.kernels
    known = kernels(kernels.reference.take(task.known))[:, :, task.known]
    return task(kernels(inputs), kernels.diagonal(inputs), inputs.columns(kernels.scalers), task.spread(known))


@pytest.mark.parametrize(("labels", "kind"), KINDS)
def test_the_prediction_is_the_mean_of_the_members(training, labels, kind):
    task, _, _ = fit_task(training, labels, kind, ["svm", "gp"], seed=0)
    kernel, decisions = task.mixture(training.parts), []
    for name, (coefficients, bias) in task.machines.items():
        decisions.append(sum(c * kernel[:, r] for r, c in enumerate(coefficients)) + bias)
        if kind == "classification":
            decisions[-1] = task.sigmoids[name](decisions[-1])
    values, std = predictions(task, training)
    assert list(task.machines) == list(task.combination.tables)
    if kind == "regression":
        assert values == pytest.approx(task.std * np.mean(decisions, axis=0) + task.mean, rel=1e-4)
        assert (std > 0).all()
    else:
        order = np.argsort(task.combination(dict(zip(task.machines, decisions, strict=True))))
        assert (np.diff(values[order]) >= 0).all()
        assert np.isnan(std).all()


@pytest.mark.parametrize(("labels", "kind"), KINDS)
def test_the_report_has_what_each_part_was_worth(training, labels, kind):
    task, report, _ = fit_task(training, labels, kind, ["svm", "gp", "forest"], seed=0)
    assert json.loads(json.dumps(report)) == report
    assert report["labels"] == 48
    assert report["chosen"] == " + ".join([*task.machines, *task.forests])
    assert set(report["without"]) == {"nothing", *training.kernels.names}
    target = Target.of(labels, kind, training.groups, training.reference, 0)
    kernel, mean = task.mixture(training.parts[:, target.rows][:, :, target.rows]), target.values.mean()
    predicted, _ = leave_folds_out(kernel, target.values - mean, target.folds, task.mixture.noise)
    wanted = target.score(target.error(target.values, predicted + mean))
    assert report["without"]["nothing"] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("labels", "kind"), KINDS)
def test_what_has_no_label_is_not_looked_at(training, labels, kind):
    task, report, _ = fit_task(training, labels, kind, ["svm", "gp", "forest"], seed=0)
    unknown = np.isnan(labels)
    assert all((coefficients[unknown] == 0).all() for coefficients, _ in task.machines.values())
    assert not np.isin(np.flatnonzero(unknown), task.known).any()
    again, same, _ = fit_task(training, labels, kind, ["svm", "gp", "forest"], seed=0)
    assert same == report
    assert np.array_equal(predictions(again, training)[0], predictions(task, training)[0])


def test_errors_of_the_intervals_are_out_of_fold(training):
    task, report, _ = fit_task(training, LABELS, "regression", ["gp"], seed=0)
    errors = task.intervals.errors
    assert len(errors) == 48
    assert (np.diff(errors) >= 0).all()
    assert np.square(errors).mean() == pytest.approx(1)
    seen = predictions(task, training)[0][~np.isnan(LABELS)] - LABELS[~np.isnan(LABELS)]
    assert report["score"] > np.sqrt(np.square(seen).mean())


def test_a_constant_target(training):
    task, report, _ = fit_task(training, np.full(60, 0.1), "regression", ["svm", "gp", "forest"], seed=0)
    values, std = predictions(task, training)
    assert values == pytest.approx(np.full(60, 0.1))
    assert np.isfinite(std).all()
    assert report["score"] == 0


def test_units_do_not_matter(training):
    task, _, _ = fit_task(training, LABELS, "regression", ["svm", "gp"], seed=0)
    other, _, _ = fit_task(training, 1000 * LABELS - 7, "regression", ["svm", "gp"], seed=0)
    (values, std), (others, other_std) = predictions(task, training), predictions(other, training)
    assert others == pytest.approx(1000 * values - 7, rel=1e-3)
    assert other_std == pytest.approx(1000 * std, rel=1e-3)


@pytest.mark.parametrize(("labels", "kind"), KINDS)
def test_on_landmarks(labels, kind):
    training = rows_of(np.arange(0, 60, 2))
    task, report, _ = fit_task(training, labels, kind, ["svm", "forest"], seed=0)
    assert {"nystroem", "forest"} <= set(report["members"])
    known = ~np.isnan(labels)
    assert np.corrcoef(predictions(task, training)[0][known], labels[known])[0, 1] > 0.8
