r"""The whole check of a dataset."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pyg_moleblend.chem import Identity, MoleculeError, identify_all
from pyg_moleblend.datasets.base import MoleculeDataset
from pyg_moleblend.datasets.check.duplicates import Duplicates, find_duplicates
from pyg_moleblend.datasets.check.labels import LabelReport, Labels, describe_labels, parse_labels
from pyg_moleblend.datasets.check.sizes import SizeReport, describe_sizes
from pyg_moleblend.datasets.io.reading import Failure
from pyg_moleblend.datasets.io.table_columns import check_column
from pyg_moleblend.datasets.shards.dataset import MoleculeShards
from pyg_moleblend.datasets.table import MoleculeTable
from pyg_moleblend.loader import molecule_sizes
from pyg_moleblend.splits import Leakage, Split, leakage


class DataCheck(NamedTuple):
    r"""What is to be known of a dataset.

    Attributes:
        rows: Rows of the source.
        failures: Those that are no molecule.
        unidentified: Molecules that could not be compared with others, and why.
        several_fragments: Rows of salts and mixtures.
        sizes: How large the molecules are.
        same_molecule: Rows that hold one molecule.
        same_parent: Rows that hold one molecule but for salt and charge.
        labels: One report a target.
        leakage: What the parts of the split have in common; none without a split.
    """

    rows: int
    failures: list[Failure]
    unidentified: list[Failure]
    several_fragments: list[int]
    sizes: SizeReport
    same_molecule: Duplicates
    same_parent: Duplicates
    labels: list[LabelReport]
    leakage: Leakage | None

    def to_dict(self) -> dict[str, Any]:
        r"""As JSON can hold it, but for NaN."""
        return {
            **self._asdict(),
            "failures": [failure._asdict() for failure in self.failures],
            "unidentified": [failure._asdict() for failure in self.unidentified],
            "sizes": self.sizes._asdict(),
            "same_molecule": [group._asdict() for group in self.same_molecule.groups],
            "same_parent": [group._asdict() for group in self.same_parent.groups],
            "labels": [report._asdict() for report in self.labels],
            "leakage": None if self.leakage is None else self.leakage.to_dict(),
        }


def check_molecules(
    molecules: MoleculeDataset | MoleculeShards,
    targets: Sequence[str] | None = None,
    split: Split | None = None,
    num_workers: int = 0,
    deadline: float = 10.0,
    progress: bool = False,
) -> DataCheck:
    r"""Checks a dataset: what is no molecule, what comes twice, what the labels are, what a split leaks.

    Args:
        molecules: The dataset, with at least one molecule.
        targets: Columns of a table's targets; of any other dataset, its targets, all by default.
        split: A split to look for leaks in.
        num_workers: Processes that name the molecules; 0 is this one, without a deadline.
        deadline: Seconds that naming a molecule may take.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: If there is no molecule or no such target.
    """
    rows = molecules.row
    labels = _labels_of(molecules, targets)
    found = identify_all(molecules.smiles, num_workers, deadline, "compared" if progress else None)
    numbered = list(zip(rows.tolist(), found, strict=True))
    return DataCheck(
        rows=len(molecules) + len(molecules.failures),
        failures=list(molecules.failures),
        unidentified=[Failure(row, e.input, e.reason) for row, e in numbered if isinstance(e, MoleculeError)],
        several_fragments=[row for row, e in numbered if isinstance(e, Identity) and e.num_fragments > 1],
        sizes=describe_sizes(molecule_sizes(molecules), rows),
        same_molecule=find_duplicates(found, rows.tolist(), labels, "key"),
        same_parent=find_duplicates(found, rows.tolist(), labels, "parent"),
        labels=[describe_labels(target, rows.numpy()) for target in labels],
        leakage=None if split is None else leakage(split, found, rows),
    )


def _labels_of(molecules: MoleculeDataset | MoleculeShards, targets: Sequence[str] | None) -> list[Labels]:
    if isinstance(molecules, MoleculeTable):
        # From its cells: what is no number shall be reported, where the dataset refuses it.
        for target in targets or ():
            check_column(list(molecules.frame.columns), target)
        cells = molecules.frame.iloc[molecules.row.tolist()]
        return [parse_labels(target, cells[target]) for target in targets or ()]
    chosen = molecules if targets is None else molecules.select_targets(targets)
    if not chosen.target_names:
        return []
    columns = chosen.y.double().numpy().T
    return [
        Labels(name, np.where(np.isinf(values), np.nan, values), np.isinf(values))
        for name, values in zip(chosen.target_names, columns, strict=True)
    ]
