import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from pyg_moleblend.quick.scaler import Scaler


def test_clips_then_standardises():
    values = np.random.default_rng(0).lognormal(size=(500, 3))
    clipped = np.clip(values, *np.percentile(values, [0.5, 99.5], axis=0))
    assert Scaler.fit(values)(values) == pytest.approx(StandardScaler().fit_transform(clipped), abs=1e-5)


def test_values_beyond_the_training_part_are_clipped():
    values = np.arange(200.0)[:, None]
    scaler = Scaler.fit(values)
    assert scaler(np.array([[1e30]])) == scaler(np.array([[250.0]])) == scaler(values).max()


def test_missing_values_neither_count_nor_stay():
    values = np.random.default_rng(1).normal(size=(300, 2))
    gaps = np.vstack([values, np.full((50, 2), np.nan)])
    assert Scaler.fit(gaps)(values) == pytest.approx(Scaler.fit(values)(values))
    assert (Scaler.fit(values)(np.full((1, 2), np.nan)) == 0).all()


def test_columns_that_do_not_vary_say_nothing():
    values = np.column_stack([np.full(50, 0.1), np.full(50, np.nan), np.arange(50.0)])
    scaler = Scaler.fit(values)
    assert scaler.num_varying == 1
    assert (scaler(np.array([[7.0, 3.0, 10.0]]))[0, :2] == 0).all()


def test_nothing_is_written_to():
    values = np.random.default_rng(2).normal(size=(40, 2))
    before = values.copy()
    Scaler.fit(values)(values)
    assert (values == before).all()
