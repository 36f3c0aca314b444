from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from pyg_moleblend.estimators.fine_tuned import FineTuned
from pyg_moleblend.estimators.rows import warn_of


class MoleBlendClassifier(ClassifierMixin, FineTuned):
    r"""Fine-tunes a whole network to classes, as an estimator of scikit-learn; see
    :func:`~pyg_moleblend.training.finetune`.

    ``X`` is as for :class:`MoleBlendRegressor`. ``y`` is either one target with any two class labels, ``[M]``, or T
    targets of 0 and 1, ``[M, T]``; NaN (or ``None``) where there is no label. There are no more than two classes a
    target: a column of 0 and 1 for each class does that.

    Args:
        encoder: As for :class:`MoleBlendRegressor`. (default: :obj:`"moleblend-tiny"`)
        modality: As for :class:`MoleBlendRegressor`. (default: :obj:`"2d"`)
        validation_fraction: As for :class:`MoleBlendRegressor`. (default: :obj:`0.1`)
        patience: As for :class:`MoleBlendRegressor`. (default: :obj:`10`)
        schedule: As for :class:`MoleBlendRegressor`, whose default this is.
        machine: As for :class:`MoleBlendRegressor`, whose default this is.
        seed: As for :class:`MoleBlendRegressor`. (default: :obj:`0`)
        criterion: :class:`~pyg_moleblend.nn.Focal` say; cross entropy by default.

    Attributes:
        classes_: The two class labels of one target, sorted; of several targets a list of theirs, 0 and 1 each.
        model_: As for :class:`MoleBlendRegressor`; so are ``metadata_``, ``metrics_`` and ``n_features_in_``.

    Example:
        >>> model = MoleBlendClassifier().fit(["CCO", "CCN", "CO", "CN"], ["alcohol", "amine", "alcohol", "amine"])
        >>> model.predict_proba(["CCCO"]).shape
        (1, 2)
    """

    def fit(self, X: Any, y: Any) -> MoleBlendClassifier:
        r"""Trains.

        Args:
            X: M molecules.
            y: Class labels, ``[M]``, or 0 and 1, ``[M, T]``.

        Raises:
            ValueError: If a row of ``X`` is no molecule (the error names rows and reasons), the lengths differ, there
                are not two classes, or labels of several targets are not 0 and 1.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        if _is_matrix(y):
            labels = _tasks(y)
            # Scorers tell several targets by a list, as forests have it; an array would be two classes to them.
            classes: Any = [np.array([0, 1]) for _ in labels.T]
        else:
            labels, classes = _encoded(y)
        self._finetune(X, labels, "classification")
        self.classes_ = classes
        self._flat = not _is_matrix(y)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        r"""Probabilities in the order of ``X``: of both classes, ``[M, 2]``, or of 1 for each target, ``[M, T]``.

        What is no molecule gets NaN, and a warning names it.

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
        """
        values = warn_of(self._outputs(X))
        return np.hstack([1 - values, values]) if self._flat else values

    def predict(self, X: Any) -> NDArray[Any]:
        r"""The likelier class of each molecule, ``[M]``, or 0 and 1 for each target, ``[M, T]``.

        Raises:
            ValueError: If a row of ``X`` is no molecule, for no class stands for that.
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
        """
        values, lost = self._outputs(X)
        if lost:
            raise ValueError(f"{lost}. Leave them out, or ask predict_proba, which gives NaN for them")
        likely = (values > 0.5).astype(np.int64)
        return self.classes_[likely[:, 0]] if self._flat else likely

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        r"""Accuracy; of several targets the mean over them, each of its labelled molecules.

        Args:
            X: M molecules.
            y: As for :meth:`fit`.
            sample_weight: ``[M]``; all alike by default.

        Raises:
            ValueError: If a row of ``X`` is no molecule.
        """
        predicted = self.predict(X)
        check_consistent_length(predicted, y, sample_weight)
        weight = np.ones(len(predicted)) if sample_weight is None else np.asarray(sample_weight)
        if self._flat:
            truth = _column(y)
            known = ~pd.isna(truth)
            return float(accuracy_score(_plain(truth[known]), predicted[known], sample_weight=weight[known]))
        labels = _tasks(y)
        known = ~np.isnan(labels)
        scores = [
            accuracy_score(true[k], guess[k], sample_weight=weight[k])
            for true, guess, k in zip(labels.T, predicted.T, known.T, strict=True)
        ]
        return float(np.mean(scores))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = True
        return tags


def _is_matrix(y: Any) -> bool:
    shape = np.asarray(y).shape
    return len(shape) == 2 and shape[1] > 1


def _column(y: Any) -> NDArray[Any]:
    column: NDArray[Any] = column_or_1d(np.asarray(y), warn=True)
    return column


def _plain(labels: NDArray[Any]) -> NDArray[Any]:
    r"""Labels in the type that all of them have, where missing ones have been left out."""
    return np.array(labels.tolist()) if labels.dtype == object else labels


def _encoded(y: Any) -> tuple[NDArray[np.float64], NDArray[Any]]:
    r"""Labels of one target as 0, 1 and NaN, ``[M, 1]``, and the two classes."""
    given = _column(y)
    known = ~pd.isna(given)
    kind = type_of_target(_plain(given[known]), input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(
            f"Only binary classification is supported. The type of the target is {kind}. (Unknown label type, if it is "
            "of numbers: a regressor learns those. A column of 0 and 1 for each of several classes can be learnt.)"
        )
    classes, numbers = np.unique(_plain(given[known]), return_inverse=True)
    if len(classes) != 2:
        raise ValueError(f"`y` must hold two classes, got {len(classes)} class: {classes.tolist()}")
    labels = np.full((len(given), 1), np.nan)
    labels[known, 0] = numbers
    return labels, classes


def _tasks(y: Any) -> NDArray[np.float64]:
    r"""Labels of several targets, ``[M, T]``."""
    labels: NDArray[np.float64] = check_array(y, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y")
    if odd := sorted(set(labels[~np.isnan(labels)].tolist()) - {0.0, 1.0}):
        raise ValueError(f"labels of several targets must be 0, 1, or NaN where there is none, got {odd[:3]}")
    return labels
