r"""The models that a quick model is a mean of, each fitted to one target and seen over the folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.quick.forest import TREES_OF_A_FOLD, Forest, fit_forest
from pyg_moleblend.quick.gaussian_process import Mixture, inverse, leave_folds_out
from pyg_moleblend.quick.nystroem import fit_nystroem
from pyg_moleblend.quick.support_vectors import KernelFit, fit_support_vectors
from pyg_moleblend.quick.target import Target
from pyg_moleblend.quick.training_rows import TrainingRows, sample

Matrix = NDArray[np.float64]

MEMBERS = ("svm", "gp", "forest")
r"""Support vectors, a Gaussian process (for classes, least squares), a forest. With more molecules than a kernel matrix
can have, the first two are one: least squares on landmarks, ``"nystroem"``."""

NOISES = (0.3, 1.0, 3.0)
r"""Multiples of the likeliest noise that are tried over the folds."""

FOREST_ROWS = 40_000
r"""A forest is grown from so many molecules at most, drawn with the seed; those of the rarer class are all kept."""

ROWS_AT_ONCE = 4096


class GrownForest(NamedTuple):
    r"""A forest, and what it says of each labelled row by trees that have not seen the row's fold, ``[m]``."""

    forest: Forest
    out_of_fold: Matrix


def fit_kernel_machines(
    target: Target, training: TrainingRows, mixture: Mixture, members: Sequence[str]
) -> dict[str, KernelFit]:
    r"""Fits what of `members` works on kernels; the coefficients are those of all R reference molecules.

    Args:
        target: What to fit.
        training: The molecules.
        mixture: Of their kernels.
        members: Of :data:`MEMBERS`.
    """
    if not {"svm", "gp"} & set(members):
        return {}
    kernel = mixture(training.parts)
    if training.landmarks is not None:
        design = training.landmarks.design[target.rows]
        return {"nystroem": fit_nystroem(kernel, design, target.values, target.folds)}
    size, labelled = len(kernel), target.labelled
    kernel = kernel[np.ix_(labelled, labelled)]
    found = {}
    if "svm" in members:
        found["svm"] = fit_support_vectors(kernel, target.values, target.folds, target.kind)
    if "gp" in members:
        found["gp"] = fit_process(kernel, target.values, target.folds, mixture.noise)
    for name, fit in found.items():
        coefficients = np.zeros(size)
        coefficients[labelled] = fit.coefficients
        found[name] = fit._replace(coefficients=coefficients)
    return found


def fit_process(kernel: Matrix, targets: Matrix, folds: NDArray[np.int64], noise: float) -> KernelFit:
    r"""The mean of a Gaussian process, its noise chosen over the folds near the likeliest.

    Args:
        kernel: ``[M, M]``.
        targets: ``[M]``.
        folds: Fold of each row, ``[M]``.
        noise: The likeliest.
    """
    bias = float(targets.mean())
    tried = [leave_folds_out(kernel, targets - bias, folds, factor * noise)[0] for factor in NOISES]
    best = int(np.argmin([np.square(values + bias - targets).mean() for values in tried]))
    coefficients = inverse(kernel, NOISES[best] * noise) @ (targets - bias)
    return KernelFit(coefficients, bias, tried[best] + bias, NOISES[best] * noise)


def grow_forest(target: Target, training: TrainingRows, seed: int) -> GrownForest:
    r"""Grows a forest for each fold, and one on all.

    Args:
        target: What to fit.
        training: The molecules.
        seed: Of the trees, and of the molecules where there are many.
    """
    chosen = _forest_rows(target, seed)
    columns = training.columns(target.rows[chosen])
    values, folds = target.values[chosen], target.folds[chosen]
    predicted = np.empty_like(target.values)
    for fold in np.unique(target.folds):
        seen = folds != fold
        forest = fit_forest(columns[seen], values[seen], target.kind, seed, TREES_OF_A_FOLD)
        held = np.flatnonzero(target.folds == fold)
        for start in range(0, len(held), ROWS_AT_ONCE):
            some = held[start : start + ROWS_AT_ONCE]
            predicted[some] = forest(training.columns(target.rows[some]))
    return GrownForest(fit_forest(columns, values, target.kind, seed), predicted)


def _forest_rows(target: Target, seed: int) -> NDArray[np.int64]:
    draw, every = np.random.default_rng(seed), np.arange(len(target.values))
    if target.kind == "regression" or len(every) <= FOREST_ROWS:
        return sample(every, FOREST_ROWS, draw)
    high, low = np.flatnonzero(target.values > 0), np.flatnonzero(target.values < 0)
    rare, common = sorted((high, low), key=len)
    rare = sample(rare, FOREST_ROWS // 2, draw)
    return np.sort(np.concatenate([rare, sample(common, FOREST_ROWS - len(rare), draw)]))
