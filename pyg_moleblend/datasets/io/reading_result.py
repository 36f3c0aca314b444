r"""Molecules that were read from the rows of a table, with the rows that hold none."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.chem import FlatGraphs
from pyg_moleblend.datasets.io.failures import Failure


class Reading(NamedTuple):
    r"""The molecules of a table, and the rows without one.

    Attributes:
        graphs: Graphs of the M molecules that could be read, in the order of their rows.
        smiles: Their M SMILES.
        rows: Their rows, int64 ``[M]``.
        failures: The other rows.
        conformer_errors: By row, why a molecule has not the conformers that were asked for: it has none, or others.
    """

    graphs: FlatGraphs
    smiles: list[str]
    rows: NDArray[np.int64]
    failures: list[Failure]
    conformer_errors: dict[int, str]

    @property
    def conformers(self) -> NDArray[np.float32] | None:
        r"""K coordinates of each atom in Å, ``[ΣN, K, 3]``, NaN where a conformer is missing; ``None`` where K is 1.

        The first are ``graphs.pos``.
        """
        return self.graphs.fields.get("conformers")

    def drop(self, bad: NDArray[np.bool_], reason: Callable[[int], str]) -> "Reading":
        r"""Turns molecules into failures.

        Args:
            bad: The molecules to drop, ``[M]``.
            reason: Gives the reason for molecule ``m``.
        """
        if not bad.any():
            return self
        dropped = [Failure(int(self.rows[m]), self.smiles[m], reason(int(m))) for m in np.flatnonzero(bad)]
        kept = ~bad
        rows = self.rows[kept]
        present = set(rows.tolist())
        return Reading(
            self.graphs.select(kept),
            [self.smiles[m] for m in np.flatnonzero(kept)],
            rows,
            sorted(self.failures + dropped),
            {row: cause for row, cause in self.conformer_errors.items() if row in present},
        )

    def renumber(self, rows: NDArray[np.int64]) -> "Reading":
        r"""The same molecules and failures, with ``rows[r]`` for each row ``r``."""
        failures = [failure._replace(row=int(rows[failure.row])) for failure in self.failures]
        errors = {int(rows[row]): cause for row, cause in self.conformer_errors.items()}
        return self._replace(rows=rows[self.rows], failures=failures, conformer_errors=errors)


def concatenate(readings: Sequence[Reading]) -> Reading:
    r"""Several readings as one, in their order; rows stay as they are.

    Raises:
        ValueError: If their molecules have different fields, or different numbers of conformers.
    """
    if len(readings) == 1:
        return readings[0]
    return Reading(
        FlatGraphs.concatenate([reading.graphs for reading in readings]),
        [text for reading in readings for text in reading.smiles],
        np.concatenate([reading.rows for reading in readings] or [np.empty(0, np.int64)]),
        [failure for reading in readings for failure in reading.failures],
        {row: cause for reading in readings for row, cause in reading.conformer_errors.items()},
    )
