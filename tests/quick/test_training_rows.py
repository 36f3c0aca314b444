import numpy as np
import pytest
import quick_molecules

from pyg_moleblend.quick import training_rows
from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, features_of
from pyg_moleblend.quick.folds import Groups
from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.kernels import Kernels
from pyg_moleblend.quick.scaler import Scaler
from pyg_moleblend.quick.training_rows import TrainingRows, choose_reference, mixture_of, sample


@pytest.fixture(scope="module")
def inputs():
    return Inputs.of(features_of(quick_molecules.SMILES[:60]), DESCRIPTOR_NAMES)


def rows_of(inputs, reference):
    labels = quick_molecules.SIZE[:60, None].astype(float)
    kernels = Kernels(inputs.take(reference), {"descriptors": Scaler.fit(inputs.dense["descriptors"])})
    return TrainingRows.of(kernels, inputs, labels, Groups(np.arange(60), np.arange(60)), reference)


def test_all_rows(inputs):
    rows = rows_of(inputs, np.arange(60))
    assert rows.landmarks is None
    assert rows.parts.shape == (len(rows.kernels.names), 60, 60)
    assert rows.columns(np.array([3, 1])) == pytest.approx(inputs.columns(rows.kernels.scalers)[[3, 1]])


def test_landmarks(inputs, monkeypatch):
    monkeypatch.setattr(training_rows, "BLOCK", 7)
    reference = np.arange(0, 60, 3)
    every, rows = rows_of(inputs, np.arange(60)), rows_of(inputs, reference)
    design = rows.landmarks.design
    assert design == pytest.approx(rows.landmarks.mixture(every.parts)[:, reference], abs=1e-4)
    assert design[reference] == pytest.approx(rows.landmarks.mixture(rows.parts), abs=1e-4)


def test_the_reference_is_bounded(monkeypatch):
    assert choose_reference(np.zeros((5000, 1)), 0).tolist() == list(range(5000))
    labels = np.zeros((5001, 2))
    chosen = choose_reference(labels, 0)
    assert len(set(chosen.tolist())) == 2000
    assert (np.diff(chosen) > 0).all()
    assert (chosen == choose_reference(labels, 0)).all()
    assert (chosen != choose_reference(labels, 1)).any()
    for count in (10**5, 10**6):
        assert 4 * count * len(choose_reference(np.zeros((count, 1)), 0)) <= training_rows.DESIGN_BYTES


def test_every_target_has_labels_among_the_landmarks(monkeypatch):
    monkeypatch.setattr(training_rows, "EXACT_ROWS", 1000)
    monkeypatch.setattr(training_rows, "LANDMARKS", 100)
    labels = np.full((6000, 3), np.nan)
    labels[:, 0] = 1
    labels[17:5000:600, 1] = 1  # nine of them
    labels[100:500, 2] = 1
    chosen = choose_reference(labels, 0)
    assert len(set(chosen.tolist())) == 100
    assert np.isfinite(labels[chosen]).sum(axis=0).tolist() == [100, 9, pytest.approx(20, abs=6)]
    targets = np.full((2000, 500), np.nan)
    targets[np.arange(2000), np.arange(2000) // 4] = 1
    assert (np.isfinite(targets[choose_reference(targets, 0)]).sum(axis=0) > 0).all()


def test_samples_keep_their_order():
    draw = np.random.default_rng(0)
    assert sample(np.array([2, 5, 9]), 3, draw).tolist() == [2, 5, 9]
    few = sample(np.arange(50), 10, draw)
    assert len(few) == 10
    assert (np.diff(few) > 0).all()


def test_a_constant_target_has_equal_weights(inputs):
    parts = rows_of(inputs, np.arange(60)).parts
    mixture = mixture_of(parts, np.full(60, 2.0), np.random.default_rng(0))
    assert mixture.weights == pytest.approx(np.full(len(parts), 1 / len(parts)))
