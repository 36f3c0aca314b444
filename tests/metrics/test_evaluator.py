import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rdkit.ML.Scoring import Scoring
from sklearn import metrics as oracle

from pyg_moleblend.metrics import METRICS, Evaluator


@pytest.fixture(scope="module")
def ogb_evaluator() -> Any:
    module = pytest.importorskip("ogb.graphproppred")

    def build(metric: str, num_tasks: int) -> Any:
        evaluator = module.Evaluator("ogbg-molhiv")
        evaluator.eval_metric, evaluator.num_tasks = metric, num_tasks
        return evaluator

    return build


@st.composite
def label_matrices(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    r"""Labels with few molecules, many gaps, one-class and empty tasks; predictions with many ties."""
    rows, tasks = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    label = st.sampled_from([0.0, 1.0, math.nan])
    prediction = st.integers(-3, 3).map(float)
    y_true = [[draw(label) for _ in range(tasks)] for _ in range(rows)]
    y_pred = [[draw(prediction) for _ in range(tasks)] for _ in range(rows)]
    return np.array(y_true), np.array(y_pred)


@settings(max_examples=150, deadline=None)
@given(label_matrices(), st.sampled_from(["rocauc", "ap"]))
def test_classification_agrees_with_ogb(ogb_evaluator: Any, matrices: Any, metric: str) -> None:
    y_true, y_pred = matrices
    score = Evaluator(metric)(y_true=y_true, y_pred=y_pred)
    scorable = [len(set(column[~np.isnan(column)])) == 2 for column in y_true.T]
    assert score.num_tasks_scored == sum(scorable)
    assert [not math.isnan(value) for value in score.per_task] == scorable
    if not any(scorable):
        assert math.isnan(score.value)
        return
    expected = ogb_evaluator(metric, y_true.shape[1]).eval({"y_true": y_true, "y_pred": y_pred})[metric]
    assert score.value == pytest.approx(expected, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(label_matrices())
def test_rmse_agrees_with_ogb_where_ogb_has_a_number(ogb_evaluator: Any, matrices: Any) -> None:
    y_true, y_pred = matrices
    labelled = (~np.isnan(y_true)).any(0)
    score = Evaluator("rmse")(y_true=y_true, y_pred=y_pred)
    assert score.num_tasks_scored == labelled.sum()
    if labelled.any():
        arguments = {"y_true": y_true[:, labelled], "y_pred": y_pred[:, labelled]}
        expected = ogb_evaluator("rmse", int(labelled.sum())).eval(arguments)["rmse"]
        assert score.value == pytest.approx(expected, abs=1e-12)


def nasty_matrix(rng: np.random.Generator, kind: str) -> tuple[NDArray[Any], NDArray[Any]]:
    r"""As benchmarks have them: 300 molecules, rare positives, gaps, one-class and empty tasks, tied predictions."""
    rows, tasks = 300, 9
    y_pred = rng.normal(size=(rows, tasks))
    if kind == "classification":
        y_true = (y_pred + 2 * rng.normal(size=(rows, tasks)) > 2.5).astype(float)
        y_true[:, 1], y_true[:, 2] = 0, 1  # one class only
        y_true[:, 3], y_true[7, 3] = 0, 1  # one positive
    else:
        y_true = 1e4 * rng.normal(size=(rows, tasks)) * 10.0 ** rng.integers(-6, 2, tasks)
        y_true[:, 1] = 5.0
        y_true[1:, 2] = math.nan  # one label
    y_true[rng.random((rows, tasks)) < 0.4] = math.nan
    y_true[:, 4] = math.nan
    y_true[0, 2], y_true[7, 3] = 1, 1
    y_pred[:, 5] = y_pred[:, 5].round()
    y_pred[:, 6] = 0.25
    return y_true, y_pred


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("metric", "expected_tasks"), [("rocauc", 6), ("ap", 6), ("rmse", 8), ("mae", 8), ("r2", 6)])
def test_nasty_matrices_agree_with_scikit_learn(metric: str, expected_tasks: int, seed: int) -> None:
    r"""A plain loop over tasks: those that scikit-learn has a number for are scored, and no others."""
    rng = np.random.default_rng(seed)
    y_true, y_pred = nasty_matrix(rng, METRICS[metric].task_type)
    oracles = {
        "rocauc": sklearn.metrics.roc_auc_score,
        "ap": sklearn.metrics.average_precision_score,
        "rmse": sklearn.metrics.root_mean_squared_error,
        "mae": sklearn.metrics.mean_absolute_error,
        "r2": sklearn.metrics.r2_score,
    }
    expected = []
    for truth, prediction in zip(y_true.T, y_pred.T, strict=True):
        known = [i for i in range(len(truth)) if truth[i] == truth[i]]
        enough = len({truth[i] for i in known}) > 1 if metric in ("rocauc", "ap", "r2") else len(known) > 0
        expected.append(oracles[metric](truth[known], prediction[known]) if enough else math.nan)
    score = Evaluator(metric)(y_true=y_true, y_pred=y_pred)
    np.testing.assert_allclose(score.per_task, expected, rtol=1e-12)
    assert score.value == pytest.approx(np.nanmean(expected), rel=1e-12)
    assert score.num_tasks_scored == expected_tasks


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("metric", ["rocauc", "ap", "rmse"])
def test_nasty_matrices_agree_with_ogb(ogb_evaluator: Any, metric: str, seed: int) -> None:
    y_true, y_pred = nasty_matrix(np.random.default_rng(seed), METRICS[metric].task_type)
    if metric == "rmse":  # OGB has no number for a regression task without a label
        y_true, y_pred = np.delete(y_true, 4, axis=1), np.delete(y_pred, 4, axis=1)
    expected = ogb_evaluator(metric, y_true.shape[1]).eval({"y_true": y_true, "y_pred": y_pred})[metric]
    assert Evaluator(metric)(y_true=y_true, y_pred=y_pred).value == pytest.approx(expected, abs=1e-12, rel=1e-12)


def test_mae_is_that_of_ogbs_large_challenge() -> None:
    module = pytest.importorskip("ogb.lsc")
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)
    expected = module.PCQM4Mv2Evaluator().eval({"y_true": y_true, "y_pred": y_pred})["mae"]
    # OGB's mean is of float32 values.
    assert Evaluator("mae")(y_true=y_true, y_pred=y_pred).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_tensors_arrays_and_lists_give_one_value(metric: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    y_true = (torch.rand(30, 3, generator=generator) > 0.5).float()
    y_pred = torch.randn(30, 3, generator=generator).to(dtype).requires_grad_()
    evaluator = Evaluator(metric)
    score = evaluator(y_true=y_true, y_pred=y_pred)
    assert score == evaluator(y_true=y_true.numpy(), y_pred=y_pred.detach().double().numpy())
    assert score == evaluator(y_true=y_true.tolist(), y_pred=y_pred.tolist())
    columns = [evaluator(y_true=y_true[:, task], y_pred=y_pred[:, task]).value for task in range(3)]
    assert score.per_task == pytest.approx(columns)
    assert score.value == pytest.approx(sum(columns) / 3)


def test_prediction_without_a_label_may_be_anything() -> None:
    score = Evaluator("mae")(y_true=[1.0, math.nan], y_pred=[3.0, math.nan])
    assert (score.value, score.num_tasks_scored) == (2.0, 1)
    assert str(score) == "mae 2.0000 (1 of 1 tasks)"


def test_no_molecule_at_all_scores_nothing() -> None:
    assert Evaluator("rocauc")(y_true=torch.zeros(0, 2), y_pred=torch.zeros(0, 2)).num_tasks_scored == 0
    assert Evaluator("rmse")(y_true=[], y_pred=[]).num_tasks_scored == 0


def test_direction() -> None:
    rocauc, rmse = Evaluator("rocauc"), Evaluator("rmse")
    assert (rocauc.mode, rmse.mode) == ("max", "min")
    assert repr(rmse) == "Evaluator('rmse')"


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred", "message"),
    [
        ("rocauc", [[0.0], [-1.0]], [[0.0], [1.0]], r"labels 0 and 1.*\[-1\.0\]"),
        ("mae", [[0.0, 1.0]], [[0.0], [1.0]], r"one shape, got \(1, 2\) and \(2, 1\)"),
        ("mae", [0.0, 1.0], [math.nan, 1.0], "1 of 2 labelled entries"),
        ("mae", [0.0, 1.0], [math.inf, 1.0], "1 of 2 labelled entries"),
        ("mae", [math.inf], [0.0], "infinite"),
        ("mae", [[[0.0]]], [[[0.0]]], r"\[1, 1, 1\]"),
    ],
)
def test_refuses(metric: str, y_true: Any, y_pred: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Evaluator(metric)(y_true=y_true, y_pred=y_pred)


def test_refuses_an_unknown_metric() -> None:
    with pytest.raises(ValueError, match=r"\['ap', 'bedroc', .*, 'rocauc', 'spearman'\], got 'auc'"):
        Evaluator("auc")


def as_rdkit(y_true: Any, y_pred: Any) -> list[list[float]]:
    r"""Rows for RDKit's scoring, the highest prediction first."""
    return [[y_pred[i], y_true[i]] for i in np.argsort(-np.asarray(y_pred), kind="stable")]


REGRESSION = {
    "rmse": oracle.root_mean_squared_error,
    "mae": oracle.mean_absolute_error,
    "r2": oracle.r2_score,
    "spearman": lambda y_true, y_pred: scipy.stats.spearmanr(y_true, y_pred).statistic,
    "kendall": lambda y_true, y_pred: scipy.stats.kendalltau(y_true, y_pred).statistic,
}
CLASSIFICATION = {
    "rocauc": oracle.roc_auc_score,
    "ap": oracle.average_precision_score,
    "f1": lambda y_true, y_pred: oracle.f1_score(y_true, y_pred > 0.5),
    "mcc": lambda y_true, y_pred: oracle.matthews_corrcoef(y_true, y_pred > 0.5),
    "bedroc": lambda y_true, y_pred: Scoring.CalcBEDROC(as_rdkit(y_true, y_pred), 1, 20.0),
    "ef1": lambda y_true, y_pred: Scoring.CalcEnrichment(as_rdkit(y_true, y_pred), 1, [0.01])[0],
}
TO_THE_DIGIT = {"rmse", "mae", "r2", "rocauc", "ap"}
BY_RANK = {"bedroc", "ef1"}


def test_every_metric_has_an_oracle_here() -> None:
    assert METRICS.keys() == REGRESSION.keys() | CLASSIFICATION.keys()


@pytest.mark.parametrize("name", METRICS)
def test_agrees_with_scikit_learn(name: str) -> None:
    rng = np.random.default_rng(0)
    for size in (5, 50, 3000):
        y_true, y_pred = rng.normal(size=size), rng.normal(size=size)
        if name in CLASSIFICATION:
            y_true = (y_true > 0.4).astype(float)
            y_true[:2] = 0, 1
        for tied in (y_pred, y_pred.round(1), y_pred.round()):
            assert METRICS[name].is_defined(y_true)
            if name in BY_RANK and tied is not y_pred:
                continue  # RDKit takes equal predictions in the order of the rows
            expected = (REGRESSION | CLASSIFICATION)[name](y_true, tied)
            tolerance = 0 if name in TO_THE_DIGIT else 1e-9
            assert METRICS[name].score(y_true, tied) == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("name", sorted(BY_RANK))
def test_equal_predictions_share_their_ranks(name: str) -> None:
    rng = np.random.default_rng(0)
    y_true, y_pred = (rng.random(200) < 0.2).astype(float), rng.integers(0, 9, 200).astype(float)
    score = METRICS[name].score(y_true, y_pred)
    order = rng.permutation(200)
    assert METRICS[name].score(y_true[order], y_pred[order]) == pytest.approx(score)
    orders = [CLASSIFICATION[name](y_true[o], y_pred[o]) for o in (rng.permutation(200) for _ in range(300))]
    assert score == pytest.approx(np.mean(orders), rel=0.05)


@pytest.mark.parametrize("name", ["spearman", "kendall", "mcc"])
def test_predictions_that_are_all_the_same_correlate_with_nothing(name: str) -> None:
    assert METRICS[name].score(np.array([0.0, 1.0, 1.0]), np.full(3, 0.7)) == 0


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
        ([0.0, 1.0], set(METRICS)),
    ],
)
def test_when_a_metric_is_defined(labels: list[float], defined: set[str]) -> None:
    assert {name for name, metric in METRICS.items() if metric.is_defined(np.array(labels))} == defined
