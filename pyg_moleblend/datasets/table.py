r"""Your own table of molecules as a dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pyg_moleblend.chem import Hydrogens
from pyg_moleblend.datasets.base import MoleculeDataset, Transform, store
from pyg_moleblend.datasets.io.reading import Failure, read_molecules
from pyg_moleblend.datasets.io.table_columns import censored_column, id_column, number_column
from pyg_moleblend.datasets.io.table_files import read_table
from pyg_moleblend.datasets.recipe import Recipe


class MoleculeTable(MoleculeDataset):
    r"""Molecules of a table, in the order of its rows, each with its row, its targets and its place in the output.

    The dataset holds the rows that are molecules, and ``data.row`` tells which: everything is joined by row,
    never by position. What happens to the others is one policy, `on_error`:

    * ``"raise"``: an error that names them;
    * ``"skip"``: they are in :attr:`failures`, and not in the output;
    * ``"keep"``: they are in :attr:`failures`, and have a row of NaN in the output.

    :meth:`align` puts the dataset's predictions into the rows of the output.

    Args:
        source: A ``.csv``, ``.tsv``, ``.parquet`` or ``.sdf`` file, or a data frame. Blank lines of a ``.csv`` are no
            rows.
        smiles: Column of the SMILES, or of RDKit molecules; by default the one that is called so.
        targets: Columns of numbers that become ``y``; empty cells are missing labels, and so is "NA" and its like.
            (default: :obj:`()`)
        ids: Column of identifiers, which may be any text; by default the rows are numbered from 0.
        on_error: What to do with rows that are no molecule. (default: :obj:`"raise"`)
        hydrogens: Which hydrogens become atoms. (default: :obj:`Hydrogens.REMOVE`)
        transform: Applied to every molecule when it is looked at. (default: :obj:`None`)
        progress: Whether to show a progress bar. (default: :obj:`True`)
        max_atoms: Most atoms of a molecule; a row with more is taken for one that is no molecule. No limit by default.
        censored: Whether targets may be bounds, ``<5`` or ``>=10``; ``label_side`` then says which are, and fine-tuning
            learns from them. (default: :obj:`False`)

    Raises:
        ValueError: If a column is missing, a target is not a number, an argument is none of these, or, with
            ``on_error="raise"``, a row is no molecule.
    """

    def __init__(
        self,
        source: str | Path | pd.DataFrame,
        smiles: str | None = None,
        targets: Sequence[str] = (),
        ids: str | None = None,
        on_error: Literal["raise", "skip", "keep"] = "raise",
        hydrogens: Hydrogens | str = Hydrogens.REMOVE,
        transform: Transform | None = None,
        progress: bool = True,
        max_atoms: int | None = None,
        censored: bool = False,
    ) -> None:
        if max_atoms is not None and max_atoms < 1:
            raise ValueError(f"`max_atoms` must be at least 1, got {max_atoms}")
        if on_error not in ("raise", "skip", "keep"):
            raise ValueError(f"`on_error` must be 'raise', 'skip' or 'keep', got {on_error!r}")
        if isinstance(targets, str):
            raise ValueError(f"`targets` must be a list of columns, got {targets!r}; say [{targets!r}]")
        super().__init__(None, transform, log=progress)
        self.on_error = on_error
        self.target_names = list(targets)
        self.recipe = Recipe(Hydrogens(hydrogens))
        self.frame, entries = read_table(source, smiles)
        columns: dict[str, list[Any]]
        if censored:
            found = [censored_column(self.frame, target) for target in targets]
            columns = {"y": [values for values, _ in found], "label_side": [sides for _, sides in found]}
        else:
            columns = {"y": [number_column(self.frame, target) for target in targets]}
        self.ids = [str(row) for row in range(len(self.frame))] if ids is None else id_column(self.frame, ids)

        reading = read_molecules(entries, hydrogens, "molecules" if progress else None, max_atoms=max_atoms)
        self.failures = reading.failures
        if self.failures and on_error == "raise":
            raise ValueError(_report(self.failures, self.num_rows))
        labels = {name: torch.from_numpy(np.stack(of, axis=-1)[reading.rows]) for name, of in columns.items() if of}
        self.data, self.slices = store(reading, **labels)

    @property
    def num_rows(self) -> int:
        r"""Rows of the table, with those that are no molecule."""
        return len(self.frame)

    @property
    def status(self) -> list[str]:
        r"""``"ok"`` or the reason why it is no molecule, for every row of the table."""
        reasons = {failure.row: failure.reason for failure in self.failures}
        return [reasons.get(row, "ok") for row in range(self.num_rows)]

    @property
    def output_rows(self) -> Tensor:
        r"""Rows of the table that the output has, int64: all of them, or with ``"skip"`` the molecules."""
        failed = {failure.row for failure in self.failures} if self.on_error == "skip" else set()
        return torch.tensor([row for row in range(self.num_rows) if row not in failed], dtype=torch.long)

    def align(self, values: Tensor) -> Tensor:
        r"""Puts the dataset's predictions into the rows of the output.

        Args:
            values: One row a molecule of this dataset (or of this selection of one), in its order,
                ``[M, ...]`` floating point.

        Returns:
            One row an output row, ``[len(output_rows), ...]``, NaN where there is no prediction.

        Raises:
            ValueError: If there are not as many predictions as molecules, or they cannot be NaN.
        """
        if len(values) != len(self) or not values.is_floating_point():
            raise ValueError(
                f"expected a floating-point row for each of {len(self)} molecules, got {values.dtype} "
                f"{list(values.shape)}"
            )
        rows = values.new_full((self.num_rows, *values.shape[1:]), torch.nan)
        rows[self.row.to(values.device)] = values
        return rows[self.output_rows.to(values.device)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} molecules of {self.num_rows} rows)"


def _report(failures: Sequence[Failure], num_rows: int) -> str:
    shown = "; ".join(f"row {row}, {input!r}: {reason}" for row, input, reason in failures[:5])
    more = f"; and {len(failures) - 5} more" if len(failures) > 5 else ""
    return (
        f"{len(failures)} of {num_rows} rows are no molecule: {shown}{more}. Correct them, or pass on_error='skip' to "
        "leave them out or on_error='keep' to have NaN in their rows"
    )
