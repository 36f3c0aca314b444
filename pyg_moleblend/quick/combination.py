r"""Several models' decision values as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
How = Literal["value", "rank"]

MARGIN = 0.01
r"""A mean of more models is taken where its error over the folds is at most so much above the least: which of a few
like errors is the least is chance, and a mean is the safer bet."""


class Combination(NamedTuple):
    r"""A mean of decision values, or of their ranks among those of the training part.

    Attributes:
        how: Which of the two; ranks are of probabilities.
        tables: By name of a model that takes part, decision values of the training part out of fold, ascending,
            ``[M]``: a new value's rank is its place among them.
    """

    how: How
    tables: dict[str, Values]

    def __call__(self, decisions: Mapping[str, Values]) -> Values:
        r"""One value a row from the models' ``[M]``."""
        if self.how == "value":
            return np.mean([decisions[name] for name in self.tables], axis=0)
        return np.mean([_rank(decisions[name], table) for name, table in self.tables.items()], axis=0)


def choose_combination(
    out_of_fold: Mapping[str, Values], hows: tuple[How, ...], error: Callable[[Values], float]
) -> tuple[Combination, dict[str, float]]:
    r"""The combination of models with the least error over the folds, or one of more models that is nearly as good.

    Args:
        out_of_fold: By name of a model, its decision values of the training part out of fold, ``[M]``.
        hows: What may be averaged.
        error: Of combined values ``[M]``.

    Returns:
        The combination, and the error of each that was looked at, by a name such as ``"svm + forest (rank)"``.
    """
    tables = {name: np.sort(values) for name, values in out_of_fold.items()}
    found: dict[str, tuple[float, Combination]] = {}
    for count in range(1, len(tables) + 1):
        for names in combinations(tables, count):
            for how in hows if count > 1 else ("value",):
                candidate = Combination(how, {name: tables[name] for name in names})
                label = " + ".join(names) + (f" ({how})" if count > 1 and len(hows) > 1 else "")
                found[label] = error(candidate(out_of_fold)), candidate
    least = min(value for value, _ in found.values())
    near = [pair for pair in found.values() if pair[0] <= (1 + MARGIN) * least]
    best = min(near, key=lambda pair: (-len(pair[1].tables), pair[0]))
    return best[1], {label: value for label, (value, _) in found.items()}


def _rank(values: Values, table: Values) -> Values:
    r"""Where probabilities would stand in an ascending table, from 0 to 1.

    Between two entries, and beyond the last, it is linear: different probabilities have different ranks.
    """
    entries, counts = np.unique(table, return_counts=True)
    middle = (counts.cumsum() - counts / 2) / len(table)
    return np.interp(values, [0.0, *entries, 1.0], [0.0, *middle, 1.0])
