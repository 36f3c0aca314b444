r"""Metrics of a task, and one number for many tasks with missing labels."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

TaskType = Literal["classification", "regression"]
THRESHOLD = 0.5
r"""A probability above it says that a label is 1, for metrics of decisions."""
BEDROC_ALPHA = 20.0
r"""80 % of BEDROC come of the first 8 % of the ranking (Truchon and Bayly 2007, doi:10.1021/ci600426e)."""
EARLY = 0.01
r"""The share of the ranking that an enrichment factor looks at."""
Values = NDArray[np.float64]


class Metric(NamedTuple):
    r"""How one task is scored.

    Attributes:
        name: OGB's name of the metric where it has one.
        score: ``(y_true [M], y_pred [M]) -> float`` over labelled entries.
        is_defined: Whether the labels ``[M]`` of a task allow the metric; a task that does not is not scored.
        higher_is_better: The direction, for early stopping and tables.
        task_type: What the labels are.
        usual: Whether it is scored in every epoch of a training, not only at its end.
    """

    name: str
    score: Callable[[Values, Values], float]
    is_defined: Callable[[Values], bool]
    higher_is_better: bool
    task_type: TaskType
    usual: bool = True


def has_both_classes(labels: Values) -> bool:
    r"""Ranking metrics need a positive and a negative; OGB skips a task without."""
    return bool((labels == 1).any() and (labels == 0).any())


def has_labels(labels: Values) -> bool:
    r"""An error needs one label."""
    return len(labels) > 0


def varies(labels: Values) -> bool:
    r"""A share of explained variance needs some variance."""
    return len(labels) > 1 and bool((labels != labels[0]).any())


# scikit-learn's arithmetic, to the last digit, without its checks of each argument, which take most of the time of many
# tasks, nor the second that importing it takes.


def _rmse(y_true: Values, y_pred: Values) -> float:
    return float(np.sqrt(np.mean((y_true - y_pred) ** 2)))


def _mae(y_true: Values, y_pred: Values) -> float:
    return float(np.mean(np.abs(y_pred - y_true)))


def _r2(y_true: Values, y_pred: Values) -> float:
    return float(1 - np.sum((y_true - y_pred) ** 2) / np.sum((y_true - np.mean(y_true)) ** 2))


def _hits(y_true: Values, y_pred: Values) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    r"""Positives and negatives among the predictions that are at least as high as each distinct one, highest first."""
    order = np.argsort(y_pred, kind="stable")[::-1]
    labels, values = y_true[order], y_pred[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    hits = np.cumsum(labels == 1)[last]
    return hits, 1 + last - hits


def _rocauc(y_true: Values, y_pred: Values) -> float:
    hits, misses = _hits(y_true, y_pred)
    # Points on a straight line add nothing but rounding.
    corners = np.ones(len(hits), dtype=bool)
    corners[1:-1] = (np.diff(hits, 2) != 0) | (np.diff(misses, 2) != 0)
    hits, misses = (np.append(0, counts[corners]) for counts in (hits, misses))
    tpr, fpr = hits / hits[-1], misses / misses[-1]
    return float((np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2.0).sum())


def _ap(y_true: Values, y_pred: Values) -> float:
    hits, misses = _hits(y_true, y_pred)
    precision, recall = hits / (hits + misses), np.append((hits / hits[-1])[::-1], 0.0)
    return max(0.0, float(-np.sum(np.diff(recall) * precision[::-1])))


def _spearman(y_true: Values, y_pred: Values) -> float:
    ranks = [_mean_ranks(values) for values in (y_true, y_pred)]
    return _correlation(*ranks)


def _kendall(y_true: Values, y_pred: Values) -> float:
    from scipy.stats import kendalltau

    return _or_zero(float(kendalltau(y_true, y_pred).statistic))


def _mean_ranks(values: Values) -> Values:
    r"""Ranks, the same for equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Values = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _correlation(first: Values, second: Values) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / scale if scale else 0.0


def _or_zero(value: float) -> float:
    r"""Predictions that are all the same say nothing."""
    return 0.0 if math.isnan(value) else value


def _f1(y_true: Values, y_pred: Values) -> float:
    said, true = y_pred > THRESHOLD, y_true == 1
    return float(2 * (said & true).sum() / (said.sum() + true.sum()))


def _mcc(y_true: Values, y_pred: Values) -> float:
    return _correlation((y_pred > THRESHOLD).astype(np.float64), y_true)


def _hits_by_rank(y_true: Values, y_pred: Values) -> Values:
    r"""How many positives stand at each rank, the highest prediction first; those that are equal share theirs."""
    _, place, counts = np.unique(-y_pred, return_inverse=True, return_counts=True)
    shares = np.bincount(place, weights=y_true) / counts
    hits: Values = np.repeat(shares, counts)
    return hits


def _bedroc(y_true: Values, y_pred: Values) -> float:
    hits, alpha = _hits_by_rank(y_true, y_pred), BEDROC_ALPHA
    count, share = len(hits), float(y_true.mean())
    early = float((hits * np.exp(-alpha * np.arange(1, count + 1) / count)).sum())
    by_chance = share * (1 - math.exp(-alpha)) / (math.exp(alpha / count) - 1)
    scale = share * math.sinh(alpha / 2) / (math.cosh(alpha / 2) - math.cosh(alpha / 2 - alpha * share))
    return early / by_chance * scale + 1 / (1 - math.exp(alpha * (1 - share)))


def _ef1(y_true: Values, y_pred: Values) -> float:
    first = math.ceil(len(y_true) * EARLY)
    return float(_hits_by_rank(y_true, y_pred)[:first].mean() / y_true.mean())


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("rocauc", _rocauc, has_both_classes, True, "classification"),
        Metric("ap", _ap, has_both_classes, True, "classification"),
        Metric("rmse", _rmse, has_labels, False, "regression"),
        Metric("mae", _mae, has_labels, False, "regression"),
        Metric("r2", _r2, varies, True, "regression"),
        Metric("f1", _f1, has_both_classes, True, "classification", usual=False),
        Metric("mcc", _mcc, has_both_classes, True, "classification", usual=False),
        Metric("bedroc", _bedroc, has_both_classes, True, "classification", usual=False),
        Metric("ef1", _ef1, has_both_classes, True, "classification", usual=False),
        Metric("spearman", _spearman, varies, True, "regression", usual=False),
        Metric("kendall", _kendall, varies, True, "regression", usual=False),
    )
}
r"""Every metric by its name."""


class Score(NamedTuple):
    r"""What a metric says of a set of predictions.

    Attributes:
        metric: Name of the metric.
        value: Mean over the scored tasks; NaN when no task could be scored.
        num_tasks_scored: Tasks that entered the mean.
        per_task: Score of each task, NaN where it is not defined.
    """

    metric: str
    value: float
    num_tasks_scored: int
    per_task: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.metric} {self.value:.4f} ({self.num_tasks_scored} of {len(self.per_task)} tasks)"


class Evaluator:
    r"""Scores predictions as the `Open Graph Benchmark <https://arxiv.org/abs/2005.00687>`_ does.

    Missing labels (NaN) do not count, task by task; a task whose labels do not allow the metric (one class
    only, no label at all, for R² no variance) is not scored; the value is the mean over the scored tasks.
    Unlike OGB's own evaluator this one also leaves out regression tasks without a label, where OGB's mean is
    NaN, and gives NaN with ``num_tasks_scored=0`` where OGB raises because no task can be scored.

    Args:
        metric: Of classes ``"rocauc"``, ``"ap"`` (average precision, the area under precision and recall), ``"f1"`` and
            ``"mcc"`` (Matthews correlation), for which predictions must be probabilities, ``"bedroc"`` (alpha 20) and
            ``"ef1"`` (enrichment in the first 1 %), in which equal predictions share their ranks; of values ``"rmse"``,
            ``"mae"``, ``"r2"``, ``"spearman"`` or ``"kendall"`` (tau-b).

    Raises:
        ValueError: If the metric is unknown.
    """

    def __init__(self, metric: str) -> None:
        if metric not in METRICS:
            raise ValueError(f"`metric` must be one of {sorted(METRICS)}, got {metric!r}")
        self.metric = METRICS[metric]

    @property
    def name(self) -> str:
        r"""Name of the metric."""
        return self.metric.name

    @property
    def higher_is_better(self) -> bool:
        r"""The metric's direction."""
        return self.metric.higher_is_better

    @property
    def mode(self) -> str:
        r"""The direction as Lightning's callbacks want it, ``"max"`` or ``"min"``."""
        return "max" if self.higher_is_better else "min"

    def __call__(self, *, y_true: Tensor | ArrayLike, y_pred: Tensor | ArrayLike) -> Score:
        r"""Scores predictions; both arguments are named, so that they cannot be swapped.

        Args:
            y_true: Labels, ``[M, T]`` or ``[M]``; NaN where there is none; 0 or 1 for classification.
            y_pred: Predictions of the same shape: logits or probabilities, or values in the labels' unit.

        Raises:
            ValueError: If shapes differ, a class label is not 0 or 1, a label is infinite, or the prediction
                of a labelled entry is not finite.
        """
        labels, predictions = _matrix(y_true), _matrix(y_pred)
        if labels.shape != predictions.shape:
            raise ValueError(
                f"labels and predictions must have one shape, got {np.shape(y_true)} and {np.shape(y_pred)}"
            )
        labelled = ~np.isnan(labels)
        self._check(labels[labelled], predictions[labelled])
        columns = zip(labels.T, predictions.T, labelled.T, strict=True)
        per_task = tuple(self._score_task(label[rows], prediction[rows]) for label, prediction, rows in columns)
        scored = [value for value in per_task if not math.isnan(value)]
        return Score(self.name, sum(scored) / len(scored) if scored else math.nan, len(scored), per_task)

    def _score_task(self, labels: Values, predictions: Values) -> float:
        return float(self.metric.score(labels, predictions)) if self.metric.is_defined(labels) else math.nan

    def _check(self, labels: Values, predictions: Values) -> None:
        if self.metric.task_type == "classification" and (strange := set(labels.tolist()) - {0.0, 1.0}):
            raise ValueError(f"{self.name} needs labels 0 and 1, with NaN for missing ones, got {sorted(strange)[:5]}")
        if not np.isfinite(labels).all():
            raise ValueError("labels must be finite, or NaN where there is none, got an infinite one")
        if bad := int((~np.isfinite(predictions)).sum()):
            raise ValueError(
                f"{bad} of {len(predictions)} labelled entries have no finite prediction; "
                "leave rows without a prediction out of both arguments"
            )

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.name!r})"


def _matrix(values: Tensor | ArrayLike) -> Values:
    if isinstance(values, Tensor):
        values = values.detach().to("cpu", torch.float64).numpy()
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim not in (1, 2):
        raise ValueError(f"labels and predictions must have shape [M, T] or [M], got {list(matrix.shape)}")
    return matrix[:, None] if matrix.ndim == 1 else matrix
