import numpy as np
import pytest
from sklearn.calibration import _SigmoidCalibration

from pyg_moleblend.quick.calibration import Sigmoid


def test_against_scikit_learn():
    generator = np.random.default_rng(0)
    z = generator.normal(size=300)
    positive = generator.random(300) < 1 / (1 + np.exp(-(2 * z - 1)))
    theirs = _SigmoidCalibration().fit(z, positive.astype(int))
    assert Sigmoid.fit(z, positive)(z) == pytest.approx(theirs.predict(z), abs=1e-3)


def test_probabilities_are_shares():
    generator = np.random.default_rng(1)
    z = generator.normal(size=20_000)
    positive = generator.random(len(z)) < 1 / (1 + np.exp(-(1.5 * z + 0.7)))
    sigmoid = Sigmoid.fit(3 * z, positive)
    assert (sigmoid.slope, sigmoid.offset) == pytest.approx((0.5, 0.7), abs=0.05)
    probability = sigmoid(3 * z)
    for low in np.arange(0.1, 0.9, 0.2):
        some = (probability > low) & (probability < low + 0.2)
        assert positive[some].mean() == pytest.approx(probability[some].mean(), abs=0.03)


def test_classes_that_are_far_apart_are_not_certain():
    z = np.array([-1.0] * 10 + [1.0] * 10)
    probability = Sigmoid.fit(z, z > 0)(z)
    assert probability.min() == pytest.approx(1 / 12, abs=1e-3)
    assert probability.max() == pytest.approx(11 / 12, abs=1e-3)


def test_values_that_say_the_reverse_say_nothing():
    z = np.arange(8.0)
    assert Sigmoid.fit(z, z < 3)(z) == pytest.approx(np.full(8, 4 / 10))
