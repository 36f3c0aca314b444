r"""What a recovery is worth: the quality of the best guess that does not look at the molecule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import singledispatch

import torch
from torch import Tensor

from pyg_moleblend.nn import (
    BondPathRecovery,
    DisplacementRecovery,
    DistanceRecovery,
    Objective,
    RecoveryState,
    SPDRecovery,
    constant_blend,
)
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.utils import DenseMolecules

Batches = Callable[[], Iterable[DenseMolecules]]


@singledispatch
def trivial_guess(objective: Objective, batches: Batches) -> float:
    r"""Quality of the trivial guess for an objective, over some molecules.

    For the shortest path it is the commonest class, for bond paths the commonest class of each hop, for
    distances their mean; for the displacement, which changes sign with the order of the pair, nothing beats 0.
    NaN for other objectives; ``trivial_guess.register`` adds one of your own.

    Args:
        objective: The objective.
        batches: Gives the molecules; called once for each pass over them.
    """
    return math.nan


@trivial_guess.register(SPDRecovery)
@trivial_guess.register(BondPathRecovery)
def _commonest_class(objective: SPDRecovery | BondPathRecovery, batches: Batches) -> float:
    counts: Tensor | None = None  # [hops, classes]
    for molecules in batches():
        target = objective.target(_bare_state(molecules))
        hops = target.unsqueeze(3).flatten(3)  # [B, N, N, hops]
        found = torch.stack([torch.bincount(hop[hop >= 0], minlength=objective.num_classes) for hop in hops.unbind(-1)])
        counts = found if counts is None else counts + found
    if counts is None or not int(counts.sum()):
        return math.nan
    return float(counts.amax(1).sum() / counts.sum())


@trivial_guess.register
def _mean_distance(objective: DistanceRecovery, batches: Batches) -> float:
    total, count = 0.0, 0
    for molecules in batches():
        atoms = molecules.mask & molecules.has_3d[:, None]
        pairs = atoms[:, :, None] & atoms[:, None, :]
        sizes = atoms.sum(1)[atoms.sum(1) > 1]
        sums = (pair_distances(molecules.pos) * pairs).sum((1, 2))[atoms.sum(1) > 1]
        total += float((sums / (sizes * (sizes - 1))).sum())
        count += len(sizes)
    if not count:
        return math.nan
    error = 0.0
    for molecules in batches():
        guess = torch.full_like(molecules.pair_mask, total / count, dtype=molecules.pos.dtype)
        error_sum, _ = objective.quality(guess, _bare_state(molecules))
        error += float(error_sum)
    return error / count


@trivial_guess.register
def _no_direction(objective: DisplacementRecovery, batches: Batches) -> float:
    return 0.0


def _bare_state(molecules: DenseMolecules) -> RecoveryState:
    r"""A state for targets and qualities, which do not look at what the encoder has made."""
    nothing = molecules.pos.new_zeros(0)
    return RecoveryState(nothing, nothing, nothing, molecules, molecules.pos, constant_blend(molecules, 0, 0))
