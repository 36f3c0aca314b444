r"""Molecules that were read from the rows of a table, and the rows that hold none."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.chem import FlatGraphs, featurize


class Failure(NamedTuple):
    r"""A row without a molecule.

    Attributes:
        row: Position in the table, counted from 0.
        input: What the row holds.
        reason: Why that is no molecule.
    """

    row: int
    input: str
    reason: str


class Reading(NamedTuple):
    r"""The molecules of a table, and the rows without one.

    Attributes:
        graphs: Graphs of the M molecules that could be read, in the order of their rows.
        smiles: Their M SMILES.
        rows: Their rows, int64 ``[M]``.
        failures: The other rows.
        conformers: K coordinates of each atom in Å, ``[ΣN, K, 3]`` float32, NaN where a conformer is missing; the
            first are ``graphs.pos``. ``None`` where K is 1.
        conformer_errors: By row, why a molecule has not the conformers that were asked for: it has none, or others.
    """

    graphs: FlatGraphs
    smiles: list[str]
    rows: NDArray[np.int64]
    failures: list[Failure]
    conformers: NDArray[np.float32] | None
    conformer_errors: dict[int, str]

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
        atoms = np.repeat(kept, self.graphs.num_atoms)
        edges = np.repeat(kept, self.graphs.num_edges)
        graphs = FlatGraphs(
            x=self.graphs.x[atoms],
            edge_index=self.graphs.edge_index[:, edges],
            edge_attr=self.graphs.edge_attr[edges],
            pos=self.graphs.pos[atoms],
            num_atoms=self.graphs.num_atoms[kept],
            num_edges=self.graphs.num_edges[kept],
        )
        rows = self.rows[kept]
        present = set(rows.tolist())
        return Reading(
            graphs,
            [self.smiles[m] for m in np.flatnonzero(kept)],
            rows,
            sorted(self.failures + dropped),
            None if self.conformers is None else self.conformers[atoms],
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
        ValueError: If they have different numbers of conformers.
    """
    several = [reading.conformers for reading in readings if reading.conformers is not None]
    if several and len(several) < len(readings):
        raise ValueError(f"expected the same number of conformers in all readings, got none in some of {len(readings)}")
    return Reading(
        concatenate_graphs([reading.graphs for reading in readings]),
        [text for reading in readings for text in reading.smiles],
        np.concatenate([reading.rows for reading in readings] or [np.empty(0, np.int64)]),
        [failure for reading in readings for failure in reading.failures],
        np.concatenate(several) if several else None,
        {row: cause for reading in readings for row, cause in reading.conformer_errors.items()},
    )


def concatenate_graphs(graphs: Sequence[FlatGraphs]) -> FlatGraphs:
    r"""Several chunks of graphs as one, in their order."""
    parts = graphs or [featurize([])]
    return FlatGraphs(
        x=np.concatenate([part.x for part in parts]),
        edge_index=np.concatenate([part.edge_index for part in parts], axis=1),
        edge_attr=np.concatenate([part.edge_attr for part in parts]),
        pos=np.concatenate([part.pos for part in parts]),
        num_atoms=np.concatenate([part.num_atoms for part in parts]),
        num_edges=np.concatenate([part.num_edges for part in parts]),
    )
