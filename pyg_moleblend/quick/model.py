r"""A model of properties in seconds to minutes, from fingerprints, descriptors and, where given, embeddings."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rdkit
import torch
from joblib import parallel_config
from numpy.typing import NDArray

import pyg_moleblend
from pyg_moleblend.datasets.io.reading import Failure
from pyg_moleblend.metrics import TaskType
from pyg_moleblend.metrics.conformal import interval_width
from pyg_moleblend.metrics.task import kind_of
from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, features_of
from pyg_moleblend.quick.folds import Grouping, Groups
from pyg_moleblend.quick.gaussian_process import Spread
from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.kernels import Kernels
from pyg_moleblend.quick.members import MEMBERS
from pyg_moleblend.quick.saved import load_quick, save_quick
from pyg_moleblend.quick.scaler import Scaler
from pyg_moleblend.quick.task import TaskModel, fit_task
from pyg_moleblend.quick.training_rows import BLOCK, TrainingRows, choose_reference
from pyg_moleblend.runtime.seeds import derived_seed

Matrix = NDArray[np.float64]

OK = "ok"


class QuickPrediction(NamedTuple):
    r"""Predictions of M molecules.

    Attributes:
        names: Names of the T targets.
        values: Probabilities, or values in the targets' units, ``[M, T]``, NaN for a row that is no molecule.
        std: Standard deviations likewise; NaN for probabilities.
        similarity: How much each is like the training molecule (of the reference) that it is most like, ``[M]`` between
            0 and 1: Tanimoto on counts of Morgan fingerprints. Where it is low, the model has seen nothing like it.
        failures: The rows that are no molecule, and why.
    """

    names: tuple[str, ...]
    values: Matrix
    std: Matrix
    similarity: Matrix
    failures: list[Failure]

    def columns(self) -> dict[str, Any]:
        r"""Columns of a table: each target, ``NAME_std`` where there is one, and ``status``."""
        table: dict[str, Any] = {}
        for place, name in enumerate(self.names):
            table[name] = self.values[:, place]
            if not np.isnan(self.std[:, place]).all():
                table[f"{name}_std"] = self.std[:, place]
        status = [OK] * len(self.values)
        for failure in self.failures:
            status[failure.row] = failure.reason
        return {**table, "status": status}


@dataclass(frozen=True, eq=False)
class QuickModel:
    r"""Kernel machines and a forest on what RDKit knows of molecules; made by :meth:`fit`, or :meth:`load`.

    Attributes:
        names: Names of the T targets.
        kind: What they are.
        smiles: The R reference molecules, all of the training part or landmarks in it.
        descriptors: Names of the descriptors.
        kernels: Of the reference molecules with any others.
        tasks: The T fitted targets.
        report: What was chosen, and what each part was worth over the folds, as JSON values.
        out_of_fold: What was predicted of each of the M molecules of the fit by models that had not seen its fold,
            ``[M, T]``, NaN where there is no label; probabilities are calibrated on all folds together. It is not
            saved, and ``[0, T]`` of a model that was loaded.
    """

    names: tuple[str, ...]
    kind: TaskType
    smiles: list[str]
    descriptors: tuple[str, ...]
    kernels: Kernels
    tasks: list[TaskModel]
    report: dict[str, Any]
    out_of_fold: Matrix

    @classmethod
    def fit(
        cls,
        smiles: Sequence[str],
        y: NDArray[Any],
        names: Sequence[str] | None = None,
        kind: TaskType | None = None,
        extra: Mapping[str, NDArray[Any]] | None = None,
        folds: Grouping = "scaffold",
        members: Sequence[str] = MEMBERS,
        seed: int = 0,
        num_workers: int = 0,
    ) -> QuickModel:
        r"""Fits a model; every choice is made within what it is given, and nothing else is looked at.

        How much a kernel weighs is what makes all the labels likeliest; the rest is chosen by errors over four folds,
        in which the report has them: how good the model is on other molecules, only others can tell.

        Args:
            smiles: M molecules; rows that are none are left out, and in ``report["failures"]``.
            y: Labels, ``[M]`` or ``[M, T]``, NaN where there is none.
            names: Names of the targets.
            kind: ``"classification"`` or ``"regression"``; by default the former if every label is 0 or 1.
            extra: What else is known of the molecules, by a name of its own: an encoder's vectors, say, or quantum
                chemistry; numbers ``[M, E]``, NaN where one is not known. Each has two kernels, see
                :class:`~pyg_moleblend.quick.kernels.Kernels`.
            folds: ``"scaffold"`` where new molecules will have other scaffolds, ``"random"`` where they will be like
                these.
            members: Which of ``"svm"``, ``"gp"`` and ``"forest"`` to fit; the best mean of some of them is taken.
            seed: Of folds, samples and trees.
            num_workers: Processes that compute features, and threads that grow forests; 0 is this one alone.

        Raises:
            ValueError: If shapes do not fit, a target has too few labels, or a name or a choice is unknown.
        """
        started = time.monotonic()
        smiles = _listed(smiles)
        labels, names, kind = _checked(smiles, y, names, kind)
        _expect_among("members", members, MEMBERS)
        _expect_among("folds", [folds], ("scaffold", "random"))
        if seed < 0:
            raise ValueError(f"`seed` must be 0 or more, got {seed}")
        features = features_of(smiles, num_workers=num_workers)
        good = np.flatnonzero(features.is_molecule)
        inputs, labels = Inputs.of(features, DESCRIPTOR_NAMES, extra).take(good), labels[good]
        kept = [smiles[row] for row in good.tolist()]
        groups = Groups.of(kept, folds)
        _expect_labels(labels, names, kind, groups)
        scalers = {name: Scaler.fit(values) for name, values in inputs.dense.items()}
        seen = time.monotonic()
        reference = choose_reference(labels, seed)
        rows = TrainingRows.of(Kernels(inputs.take(reference), scalers), inputs, labels, groups, reference)
        out_of_fold = np.full((len(smiles), len(names)), np.nan)
        tasks, reports = [], {}
        with parallel_config("threading", n_jobs=max(num_workers, 1)):  # of the forests
            for place, name in enumerate(names):
                fitted = fit_task(rows, labels[:, place], kind, members, derived_seed(seed, 0) % 2**32)
                tasks.append(fitted.model)
                reports[name], out_of_fold[good, place] = fitted.report, fitted.out_of_fold
        report = {
            "made_by": {"pyg_moleblend": pyg_moleblend.__version__, "rdkit": rdkit.__version__},
            "molecules": len(kept),
            "reference": len(reference),
            "folds": folds,
            "seed": seed,
            "seconds": {"features": round(seen - started, 1), "fit": round(time.monotonic() - seen, 1)},
            "failures": [list(failure) for failure in features.failures],
            "targets": reports,
        }
        reference_smiles = [kept[row] for row in reference]
        return cls(names, kind, reference_smiles, DESCRIPTOR_NAMES, rows.kernels, tasks, report, out_of_fold)

    def predict(
        self,
        smiles: Sequence[str],
        extra: Mapping[str, NDArray[Any]] | None = None,
        num_workers: int = 0,
    ) -> QuickPrediction:
        r"""Predicts molecules, in the order given; a row that is no molecule has NaN, and a reason in the failures.

        Args:
            smiles: M molecules.
            extra: What the model was fitted with, of these.
            num_workers: Processes that compute features; 0 is this one.

        Raises:
            ValueError: If the model was fitted with other `extra`.
        """
        smiles = _listed(smiles)
        features = features_of(smiles, num_workers=num_workers)
        inputs = Inputs.of(features, self.descriptors, extra)
        self._expect_inputs(inputs)
        good = np.flatnonzero(features.is_molecule)
        values, std = np.full((2, len(smiles), len(self.names)), np.nan)
        similarity, morgan = np.full(len(smiles), np.nan), self.kernels.names.index("morgan")
        for start in range(0, len(good), BLOCK):
            some = good[start : start + BLOCK]
            block = inputs.take(some)
            parts, diagonal = self.kernels(block), self.kernels.diagonal(block)
            columns, similarity[some] = block.columns(self.kernels.scalers), parts[morgan].max(1)
            for place, (task, spread) in enumerate(zip(self.tasks, self._spreads, strict=True)):
                values[some, place], std[some, place] = task(parts, diagonal, columns, spread)
        return QuickPrediction(self.names, values, std, similarity, features.failures)

    def interval(self, prediction: QuickPrediction, level: float = 0.9) -> tuple[Matrix, Matrix]:
        r"""Intervals that hold the true values with a probability, for molecules like those of the training part.

        Args:
            prediction: Of :meth:`predict`.
            level: The probability.

        Returns:
            Lower and upper ends, ``[M, T]``; infinite where there were too few labels for the level.

        Raises:
            ValueError: If the model is one of classes, or the level not between 0 and 1.
        """
        if self.kind == "classification":
            raise ValueError("a classification has probabilities, not intervals; see `values` of the prediction")
        errors = [task.intervals.errors for task in self.tasks if task.intervals is not None]
        widths = np.array([interval_width(each, level) for each in errors])
        return prediction.values - widths * prediction.std, prediction.values + widths * prediction.std

    def save(self, folder: str | Path) -> Path:
        r"""Writes ``quick.json`` and ``quick.safetensors``; see :func:`~pyg_moleblend.quick.saved.save_quick`."""
        return save_quick(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> QuickModel:
        r"""Reads a model that :meth:`save` wrote; runs nothing that the files say."""
        known = load_quick(folder)
        return cls(**known, out_of_fold=np.empty((0, len(known["names"]))))

    @cached_property
    def _spreads(self) -> list[Spread | None]:
        parts, known = np.empty((0, 0, 0), dtype=np.float32), np.empty(0, dtype=np.int64)
        spreads: list[Spread | None] = []
        for task in self.tasks:
            if not np.array_equal(task.known, known):  # targets with the same labels share the kernels
                known = task.known
                parts = self.kernels(self.kernels.reference.take(known))[:, :, known]
            spreads.append(task.spread(parts))
        return spreads

    def _expect_inputs(self, inputs: Inputs) -> None:
        fitted = self.kernels.reference.dense
        for name in fitted.keys() ^ inputs.dense.keys():
            had = "with" if name in fitted else "without"
            raise ValueError(f"the model was fitted {had} `{name}`: predict {had} it")
        for name, values in inputs.dense.items():
            if values.shape[1] != fitted[name].shape[1]:
                raise ValueError(
                    f"`{name}` has {values.shape[1]} columns, in the fit it had {fitted[name].shape[1]}; give the same"
                )


def _checked(
    smiles: Sequence[str], y: NDArray[Any], names: Sequence[str] | None, kind: TaskType | None
) -> tuple[Matrix, tuple[str, ...], TaskType]:
    labels = np.asarray(y, dtype=np.float64)
    labels = labels[:, None] if labels.ndim == 1 else labels
    if labels.ndim != 2 or len(labels) != len(smiles):
        raise ValueError(f"`y` must be [{len(smiles)}] or [{len(smiles)}, targets], got {list(np.shape(y))}")
    if (np.abs(labels) > np.finfo(np.float32).max).any():
        raise ValueError("labels must be numbers that float32 can hold, or NaN where there is none, got a larger one")
    names = tuple(names) if names is not None else tuple(f"y{place}" for place in range(labels.shape[1]))
    if len(names) != labels.shape[1] or len(set(names)) < len(names):
        raise ValueError(f"`names` must be {labels.shape[1]} different names, got {list(names)}")
    known = labels[~np.isnan(labels)]
    binary = bool(np.isin(known, (0.0, 1.0)).all())
    kind = kind or kind_of(torch.tensor(labels), names)
    _expect_among("kind", [kind], ("classification", "regression"))
    if kind == "classification" and not binary:
        raise ValueError("labels of a classification must be 0 or 1; say kind='regression' if they are values")
    return labels, names, kind


def _expect_labels(labels: Matrix, names: tuple[str, ...], kind: TaskType, groups: Groups) -> None:
    def count(rows: NDArray[np.bool_]) -> int:
        return len(np.unique(groups.molecules[rows]))

    for name, values in zip(names, labels.T, strict=True):
        if (known := count(~np.isnan(values))) < MIN_LABELS:
            raise ValueError(
                f"target {name!r} has labels of {known} different molecules, a quick model needs {MIN_LABELS}; "
                "leave it out"
            )
        if kind == "classification" and min(count(values == 0), count(values == 1)) < 2:
            raise ValueError(f"target {name!r} has not two different molecules of each class; leave it out")


MIN_LABELS = 8
r"""Different molecules with a label of a target; two a fold."""


def _listed(smiles: Sequence[str]) -> list[str]:
    r"""A list, in which a row's number is its place whatever a table's index says."""
    if isinstance(smiles, str):
        raise ValueError(f"`smiles` must be a list of SMILES, got the string {smiles!r}; give [{smiles!r}]")
    return list(smiles)


def _expect_among(name: str, given: Sequence[str], allowed: tuple[str, ...]) -> None:
    if not given or not set(given) <= set(allowed):
        raise ValueError(f"`{name}` must be of {allowed}, got {list(given)}")
