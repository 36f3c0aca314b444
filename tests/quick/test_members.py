import numpy as np
import pytest
import quick_molecules
from sklearn.kernel_ridge import KernelRidge

from pyg_moleblend.quick import members
from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, features_of
from pyg_moleblend.quick.folds import Groups
from pyg_moleblend.quick.forest import fit_forest
from pyg_moleblend.quick.gaussian_process import Mixture
from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.kernels import Kernels
from pyg_moleblend.quick.members import fit_kernel_machines, grow_forest
from pyg_moleblend.quick.scaler import Scaler
from pyg_moleblend.quick.target import Target
from pyg_moleblend.quick.training_rows import TrainingRows

FORTY = Groups(np.arange(40), np.arange(40))


@pytest.fixture(scope="module")
def training():
    inputs = Inputs.of(features_of(quick_molecules.SMILES[:40]), DESCRIPTOR_NAMES)
    kernels = Kernels(inputs, {"descriptors": Scaler.fit(inputs.dense["descriptors"])})
    labels = quick_molecules.SIZE[:40, None].astype(float)
    return TrainingRows.of(kernels, inputs, labels, FORTY, np.arange(40))


@pytest.fixture
def target():
    labels = np.where(np.arange(40) % 5 == 2, np.nan, quick_molecules.SIZE[:40])
    return Target.of(labels, "regression", FORTY, np.arange(40), 0)


def test_the_process_is_kernel_ridge(training, target):
    mixture = Mixture.equal(len(training.parts))
    fit = fit_kernel_machines(target, training, mixture, ["gp"])["gp"]
    kernel = mixture(training.parts)
    own = kernel[np.ix_(target.rows, target.rows)]
    mean = target.values.mean()
    theirs = KernelRidge(alpha=fit.setting, kernel="precomputed").fit(own, target.values - mean)
    wanted = theirs.predict(kernel[:, target.rows]) + mean
    assert kernel @ fit.coefficients + fit.bias == pytest.approx(wanted, abs=1e-5)


def test_molecules_without_a_label_have_no_part_in_it(training, target):
    for fit in fit_kernel_machines(target, training, Mixture.equal(len(training.parts)), ["svm", "gp"]).values():
        assert (fit.coefficients[2::5] == 0).all()
        assert len(fit.coefficients) == 40
        assert len(fit.out_of_fold) == len(target.rows) == 32


def test_a_forest_does_not_see_the_fold_that_it_predicts(training, target):
    grown = grow_forest(target, training, seed=3)
    columns = training.columns(target.rows)
    seen = target.folds != 1
    wanted = fit_forest(columns[seen], target.values[seen], "regression", 3, 40)(columns[~seen])
    assert grown.out_of_fold[~seen] == pytest.approx(wanted)
    assert grown.forest(columns) == pytest.approx(target.values, abs=1e-5)  # it has seen them all


def test_the_rarer_class_is_kept(monkeypatch):
    monkeypatch.setattr(members, "FOREST_ROWS", 50)
    labels = np.zeros(200)
    labels[[3, 50, 120, 199]] = 1
    groups = Groups(np.arange(200), np.arange(200))
    target = Target.of(labels, "classification", groups, np.arange(200), 0)
    chosen = members._forest_rows(target, 0)
    assert len(set(chosen.tolist())) == 50
    assert {3, 50, 120, 199} <= set(chosen.tolist())
    target = Target.of(np.arange(200) % 2.0, "classification", groups, np.arange(200), 0)
    assert target.values[members._forest_rows(target, 0)].sum() == 0


def test_only_a_forest(training, target):
    assert fit_kernel_machines(target, training, Mixture.equal(len(training.parts)), ["forest"]) == {}
