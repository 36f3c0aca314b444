r"""The training part as the fit of each target sees it, and what is left of it where it is large."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.quick.folds import Groups
from pyg_moleblend.quick.gaussian_process import Mixture, choose_mixture
from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.kernels import Kernels

Matrix = NDArray[np.float64]

EXACT_ROWS = 5000
r"""Beyond so many molecules the kernels are those of landmarks: a matrix of all with all no longer pays."""

LANDMARKS = 2000
DESIGN_BYTES = 2**30
r"""The kernel of all rows with the landmarks is no larger; there are fewer landmarks where it would be."""

MIXTURE_ROWS = 1024
r"""Weights of the kernels are chosen on so many rows, drawn with the seed, where there are more."""

SHARED_BY = 8
r"""With landmarks all targets have the same weights: the mean of what so many of them would choose."""

BLOCK = 256
r"""Molecules whose kernels are computed at once."""


class TrainingRows(NamedTuple):
    r"""M molecules, R of them the reference.

    Attributes:
        parts: Kernels of the R reference molecules with each other, ``[P, R, R]``.
        diagonal: Kernels of the molecules with themselves, ``[P, M]``.
        reference: Which of the molecules the reference molecules are, ascending, ``[R]``.
        groups: Which of the molecules belong in one fold.
        landmarks: ``None`` where every molecule is a reference molecule, and each target chooses its own mixture.
        kernels: What the parts come from.
        inputs: Of the molecules.
    """

    parts: NDArray[np.float32]
    diagonal: NDArray[np.float32]
    reference: NDArray[np.int64]
    groups: Groups
    landmarks: Landmarks | None
    kernels: Kernels
    inputs: Inputs

    @classmethod
    def of(
        cls, kernels: Kernels, inputs: Inputs, labels: Matrix, groups: Groups, reference: NDArray[np.int64]
    ) -> TrainingRows:
        r"""Computes the kernels.

        Args:
            kernels: With the reference molecules.
            inputs: Of all M molecules.
            labels: ``[M, T]``, NaN where there is none.
            groups: Which of the molecules belong in one fold.
            reference: Which of the molecules the reference molecules are.
        """
        parts, landmarks = kernels(kernels.reference), None
        if len(reference) < len(inputs):
            mixture = _shared_mixture(parts, labels[reference])
            design = np.empty((len(inputs), len(reference)), dtype=np.float32)
            for start in range(0, len(inputs), BLOCK):
                some = slice(start, start + BLOCK)
                design[some] = mixture(kernels(inputs.take(some)))
            landmarks = Landmarks(mixture, design)
        return cls(parts, kernels.diagonal(inputs), reference, groups, landmarks, kernels, inputs)

    def columns(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        r"""What a forest looks at in some rows."""
        return self.inputs.take(rows).columns(self.kernels.scalers)


class Landmarks(NamedTuple):
    r"""What the molecules have to do with the reference, where it is not all of them.

    Attributes:
        mixture: Of the kernels, for all targets.
        design: The sum's value for each molecule and landmark, ``[M, R]``.
    """

    mixture: Mixture
    design: NDArray[np.float32]


def choose_reference(labels: Matrix, seed: int) -> NDArray[np.int64]:
    r"""Every row, or landmarks drawn with the seed; ascending.

    Half of the landmarks are dealt to the targets, from the rows that have a label of each: a target of few labels has
    some among the landmarks.

    Args:
        labels: ``[M, T]``, NaN where there is none.
        seed: Of the landmarks.
    """
    num_rows, num_targets = labels.shape
    if num_rows <= EXACT_ROWS:
        return np.arange(num_rows)
    count = min(LANDMARKS, DESIGN_BYTES // (4 * num_rows))
    order, share = np.random.default_rng(seed).permutation(num_rows), max(count // (2 * num_targets), 1)
    known = ~np.isnan(labels[order])
    dealt = (known & (known.cumsum(axis=0) <= share)).any(axis=1)
    others = np.flatnonzero(~dealt)[: max(count - int(dealt.sum()), 0)]
    return np.sort(order[np.concatenate([np.flatnonzero(dealt), others])])


def mixture_of(parts: NDArray[np.float32], labels: Matrix, draw: np.random.Generator) -> Mixture:
    r"""The mixture for one target, chosen on some of its rows.

    Args:
        parts: ``[P, R, R]``.
        labels: ``[R]``, NaN where there is none.
        draw: Of the rows, where there are more than :data:`MIXTURE_ROWS` with a label.
    """
    rows = sample(np.flatnonzero(~np.isnan(labels)), MIXTURE_ROWS, draw)
    targets = labels[rows] - labels[rows].mean()
    std = float(targets.std())
    return choose_mixture(parts[:, rows][:, :, rows], targets / std) if std > 0 else Mixture.equal(len(parts))


def sample(rows: NDArray[np.int64], most: int, draw: np.random.Generator) -> NDArray[np.int64]:
    r"""All of the rows, or `most` of them, in their order."""
    return rows if len(rows) <= most else np.sort(draw.choice(rows, most, replace=False))


def _shared_mixture(parts: NDArray[np.float32], labels: Matrix) -> Mixture:
    r"""The geometric mean of what some of the targets would choose."""
    draw = np.random.default_rng(0)
    found = [mixture_of(parts, labels[:, t], draw) for t in draw.permutation(labels.shape[1])[:SHARED_BY]]
    weights = np.exp(np.mean([np.log(mixture.weights) for mixture in found], axis=0))
    return Mixture(weights / weights.sum(), float(np.exp(np.mean([np.log(mixture.noise) for mixture in found]))))
