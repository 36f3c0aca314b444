r"""The model of one target: kernel machines and a forest on the same molecules, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from pyg_moleblend.metrics import TaskType
from pyg_moleblend.quick.calibration import Sigmoid
from pyg_moleblend.quick.combination import Combination, How, choose_combination
from pyg_moleblend.quick.forest import Forest
from pyg_moleblend.quick.gaussian_process import KNOWN_ROWS, Mixture, Spread, leave_folds_out, spread_over_folds
from pyg_moleblend.quick.members import fit_kernel_machines, grow_forest
from pyg_moleblend.quick.target import Target
from pyg_moleblend.quick.training_rows import MIXTURE_ROWS, TrainingRows, mixture_of, sample

Matrix = NDArray[np.float64]

_ALMOST = 1e-6


class Intervals(NamedTuple):
    r"""What the standard deviations and intervals of a regression come from.

    Attributes:
        known: Reference molecules that the variance knows, ascending, ``[m]``.
        scale: Variance of the signal, in squared standard deviations of the target.
        errors: Errors out of fold over their standard deviations, absolute and ascending, ``[n]``.
    """

    known: NDArray[np.int64]
    scale: float
    errors: Matrix


@dataclass(frozen=True, eq=False)
class TaskModel:
    r"""A fitted target.

    Attributes:
        kind: Of the target.
        mean: Of the training labels, in their unit; 0 for a classification.
        std: Likewise; 1 for a classification.
        mixture: The kernels' sum.
        machines: By name, coefficients of the R reference rows ``[R]`` and a bias.
        forests: ``"forest"`` and the forest, or nothing.
        sigmoids: For a classification, probabilities of each member's decision values.
        combination: How the members become one.
        calibration: For a classification, the probability of the combined value.
        intervals: For a regression.
    """

    kind: TaskType
    mean: float
    std: float
    mixture: Mixture
    machines: dict[str, tuple[Matrix, float]]
    forests: dict[str, Forest]
    sigmoids: dict[str, Sigmoid]
    combination: Combination
    calibration: Sigmoid | None
    intervals: Intervals | None

    def __call__(
        self,
        parts: NDArray[np.float32],
        diagonal: NDArray[np.float32],
        columns: NDArray[np.float32],
        spread: Spread | None,
    ) -> tuple[Matrix, Matrix]:
        r"""Predictions and their standard deviations.

        Args:
            parts: Kernels of M molecules with the reference, ``[P, M, R]``.
            diagonal: With themselves, ``[P, M]``.
            columns: What the forest looks at, ``[M, D]``.
            spread: Of :meth:`spread`; ``None`` for a classification.

        Returns:
            Probabilities, or values in the target's unit, ``[M]``; and standard deviations ``[M]``, NaN for
            probabilities.
        """
        kernel = self.mixture(parts)
        decisions = {name: kernel @ coefficients + bias for name, (coefficients, bias) in self.machines.items()}
        decisions |= {name: forest(columns) for name, forest in self.forests.items()}
        decisions = {name: self.sigmoids[name](z) if self.sigmoids else z for name, z in decisions.items()}
        combined = self.combination(decisions)
        std = np.full(len(combined), np.nan) if spread is None else spread(kernel, self.mixture(diagonal)) * self.std
        return self.restore(combined), std

    def restore(self, combined: Matrix) -> Matrix:
        r"""Combined decision values ``[M]`` as probabilities, or in the target's unit."""
        if self.calibration is not None:
            return self.calibration(_log_odds(combined))
        return combined * self.std + self.mean

    @property
    def known(self) -> NDArray[np.int64]:
        r"""Reference molecules that the variance knows; none for a classification."""
        return np.empty(0, dtype=np.int64) if self.intervals is None else self.intervals.known

    def spread(self, parts: NDArray[np.float32]) -> Spread | None:
        r"""The variance, from the kernels of the known molecules with each other, ``[P, m, m]``."""
        if self.intervals is None:
            return None
        return Spread.of(self.mixture, self.mixture(parts), self.known, self.intervals.scale)


class FittedTask(NamedTuple):
    r"""What came of fitting a target.

    Attributes:
        model: The model.
        report: What was chosen, and what each part was worth, as JSON values.
        out_of_fold: What models that had not seen a row's fold predict of it, ``[M]``; NaN for rows without a label.
    """

    model: TaskModel
    report: dict[str, Any]
    out_of_fold: Matrix


def fit_task(training: TrainingRows, labels: Matrix, kind: TaskType, members: Sequence[str], seed: int) -> FittedTask:
    r"""Fits one target on the rows that have a label, and says what each part of the model was worth.

    Args:
        training: The training part, M molecules.
        labels: ``[M]``, NaN where there is none.
        kind: What they are.
        members: Which models, of :data:`~pyg_moleblend.quick.members.MEMBERS`.
        seed: Of the folds, the samples and the forest.
    """
    draw = np.random.default_rng(seed)
    target = Target.of(labels, kind, training.groups, training.reference, seed)
    if training.landmarks is None:
        mixture = mixture_of(training.parts, labels[training.reference], draw)
    else:
        mixture = training.landmarks.mixture
    machines = fit_kernel_machines(target, training, mixture, members)
    forests = {"forest": grow_forest(target, training, seed)} if "forest" in members else {}
    seen = {name: fit.out_of_fold for name, fit in machines.items()}
    seen |= {name: grown.out_of_fold for name, grown in forests.items()}
    positive, sigmoids = target.values > 0, {}
    if kind == "classification":
        sigmoids = {name: Sigmoid.fit(values, positive) for name, values in seen.items()}
        seen = {name: sigmoids[name](values) for name, values in seen.items()}
    hows: tuple[How, ...] = ("rank", "value") if kind == "classification" else ("value",)
    combination, errors = choose_combination(seen, hows, lambda combined: target.error(target.values, combined))
    combined = combination(seen)
    report = {
        "labels": len(target.rows),
        "metric": target.metric,
        "kernels": dict(zip(training.kernels.names, mixture.weights.round(4).tolist(), strict=True)),
        "noise": mixture.noise,
        "settings": {name: fit.setting for name, fit in machines.items()},
        "members": {label: target.score(error) for label, error in errors.items()},
        "chosen": " + ".join(combination.tables),
        "averaged_by": combination.how,
        "score": target.score(target.error(target.values, combined)),
        "without": _worth(target, training, mixture, sample(target.labelled, MIXTURE_ROWS, draw)),
    }
    used = combination.tables
    calibration = Sigmoid.fit(_log_odds(combined), positive) if kind == "classification" else None
    model = TaskModel(
        kind,
        target.mean,
        target.std,
        mixture,
        {name: (fit.coefficients, fit.bias) for name, fit in machines.items() if name in used},
        {name: grown.forest for name, grown in forests.items() if name in used},
        {name: sigmoid for name, sigmoid in sigmoids.items() if name in used},
        combination,
        calibration,
        _intervals(target, training, mixture, combined, draw) if kind == "regression" else None,
    )
    out_of_fold = np.full(len(labels), np.nan)
    out_of_fold[target.rows] = model.restore(combined)
    return FittedTask(model, report, out_of_fold)


def _intervals(
    target: Target, training: TrainingRows, mixture: Mixture, combined: Matrix, draw: np.random.Generator
) -> Intervals:
    r"""The variance's scale and the conformal scores, both of rows out of fold."""
    known = sample(target.labelled, KNOWN_ROWS, draw)
    if training.landmarks is None:
        kernel = mixture(training.parts)[np.ix_(target.labelled, known)]  # the parts are too large for a copy
    else:
        kernel = training.landmarks.design[np.ix_(target.rows, known)].astype(np.float64)
    places = np.searchsorted(target.rows, training.reference[known])
    diagonal = mixture(training.diagonal[:, target.rows])
    deviation = spread_over_folds(mixture, kernel, diagonal, target.folds, places)
    off = np.abs(combined - target.values) / deviation
    scale = float(np.square(off).mean()) or 1.0
    return Intervals(known, scale, np.sort(off / np.sqrt(scale)))


def _worth(target: Target, training: TrainingRows, mixture: Mixture, some: NDArray[np.int64]) -> dict[str, float]:
    r"""Score over the folds of least squares with all kernels (``"nothing"``), and without each.

    Args:
        target: What was fitted.
        training: The molecules.
        mixture: Of their kernels.
        some: The reference rows that it is measured on, all of them labelled.
    """
    parts = training.parts[:, some][:, :, some]
    places = np.searchsorted(target.rows, training.reference[some])
    values, folds = target.values[places], target.folds[places]
    mean = float(values.mean())

    def score(mix: Mixture) -> float:
        predicted, _ = leave_folds_out(mix(parts), values - mean, folds, mix.noise)
        return target.score(target.error(values, predicted + mean))

    found = {"nothing": score(mixture)}
    for place, name in enumerate(training.kernels.names):
        if mixture.weights[place] < 1:
            found[name] = score(mixture.without(place))
    return found


def _log_odds(values: Matrix) -> Matrix:
    r"""Of probabilities or ranks ``[M]``, 0 and 1 included."""
    return np.asarray(logit(np.clip(values, _ALMOST, 1 - _ALMOST)))
