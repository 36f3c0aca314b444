r"""Whether graphs made from a dataset's SMILES are the graphs that it holds, and where they are not."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyg_moleblend.chem.vocabulary import ATOM_VOCABULARY, BOND_VOCABULARY
from pyg_moleblend.datasets.base import MoleculeDataset
from pyg_moleblend.datasets.io.reading import Failure, read_molecules


class Parity(NamedTuple):
    r"""What a comparison found, by rows of the source.

    Attributes:
        num_molecules: Molecules that were compared.
        unread: Molecules whose SMILES this version of RDKit cannot read, with its reasons.
        differences: For each feature (an atom's, a bond's, or ``"atoms"`` and ``"bonds"`` for their numbers and
            ends) the rows where it differs; features without a difference are left out.
    """

    num_molecules: int
    unread: list[Failure]
    differences: dict[str, list[int]]

    @property
    def num_equal(self) -> int:
        r"""Molecules of which every number is the same."""
        different = {row for rows in self.differences.values() for row in rows}
        return self.num_molecules - len(self.unread) - len(different)

    def __str__(self) -> str:
        causes = [f"{name} {len(rows)}" for name, rows in self.differences.items()]
        unread = [f"not readable {len(self.unread)}"] if self.unread else []
        return f"{self.num_equal} of {self.num_molecules} equal" + "".join(f", {cause}" for cause in unread + causes)


def compare_with_smiles(dataset: MoleculeDataset, progress: str | None = None) -> Parity:
    r"""Compares a dataset's graphs with those of its SMILES, atom by atom and bond by bond in order.

    Args:
        dataset: A dataset whose graphs were not made from its SMILES, such as
            :class:`~pyg_moleblend.datasets.OGBGraphProperty`.
        progress: Label of a progress bar; none by default.
    """
    rows = dataset.row.tolist()
    reading = read_molecules(dataset.smiles, progress=progress)
    differences: dict[str, list[int]] = {}
    for m, graph in zip(reading.rows.tolist(), reading.graphs.each(), strict=True):
        data = dataset.get(dataset.indices()[m])
        ours, theirs = (graph.x, graph.edge_index, graph.edge_attr), (data.x, data.edge_index, data.edge_attr)
        for name in _differing(ours, tuple(values.numpy() for values in theirs)):
            differences.setdefault(name, []).append(rows[m])
    unread = [failure._replace(row=rows[failure.row]) for failure in reading.failures]
    return Parity(len(rows), unread, differences)


Arrays = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def _differing(one: Arrays, other: Arrays) -> list[str]:
    names = []
    for k, vocabulary in ((0, ATOM_VOCABULARY), (2, BOND_VOCABULARY)):
        if one[k].shape != other[k].shape:
            return ["atoms" if k == 0 else "bonds"]
        names += [name for name, equal in zip(vocabulary, (one[k] == other[k]).all(0), strict=True) if not equal]
    return names if np.array_equal(one[1], other[1]) else [*names, "bonds"]
