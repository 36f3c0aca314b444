import numpy as np
import pytest
from sklearn import metrics as oracle

from pyg_moleblend.metrics import METRICS

REGRESSION = {
    "rmse": oracle.root_mean_squared_error,
    "mae": oracle.mean_absolute_error,
    "r2": oracle.r2_score,
}
CLASSIFICATION = {"rocauc": oracle.roc_auc_score, "ap": oracle.average_precision_score}


def test_every_metric_has_an_oracle_here() -> None:
    assert METRICS.keys() == REGRESSION.keys() | CLASSIFICATION.keys()


@pytest.mark.parametrize("name", METRICS)
def test_agrees_with_scikit_learn(name: str) -> None:
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=50), rng.normal(size=50)
    if name in CLASSIFICATION:
        y_true = (y_true > 0.4).astype(float)
    expected = (REGRESSION | CLASSIFICATION)[name](y_true, y_pred)
    assert METRICS[name].is_defined(y_true)
    assert METRICS[name].score(y_true, y_pred) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_direction_is_the_one_that_prefers_the_truth(name: str) -> None:
    y_true = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    good, bad = METRICS[name].score(y_true, y_true), METRICS[name].score(y_true, 1 - y_true)
    assert (good > bad) == METRICS[name].higher_is_better


@pytest.mark.parametrize(
    ("labels", "defined"),
    [
        ([], set()),
        ([1.0], {"rmse", "mae"}),
        ([1.0, 1.0], {"rmse", "mae"}),
        ([0.0, 0.0], {"rmse", "mae"}),
        ([0.0, 1.0], {"rmse", "mae", "r2", "rocauc", "ap"}),
    ],
)
def test_when_a_metric_is_defined(labels: list[float], defined: set[str]) -> None:
    assert {name for name, metric in METRICS.items() if metric.is_defined(np.array(labels))} == defined
