r"""Tables of any size, some thousand rows at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from pyg_moleblend.datasets.io.arrow import arrow_named, as_frame
from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.table_columns import check_column, find_smiles_column, id_column, number_column
from pyg_moleblend.datasets.io.table_files import (
    MOLECULE,
    refuse_smiles_column,
    table_columns,
    table_frames,
)
from pyg_moleblend.datasets.io.table_kind import LINES, RECORDS, table_kind

CHUNK_ROWS = 8192


class TableChunks:
    r"""The rows of a table file in portions, of which one is in memory at a time. It can be iterated many times.

    Args:
        path: A file of one of the kinds of :data:`~pyg_moleblend.datasets.io.table_kind.READABLE`; text may be
            compressed. ``.smi`` and ``.txt`` hold a SMILES a line, and behind it a name or none, which is the column
            ``name``. Blank lines of a ``.csv`` are no rows; those of a ``.smi`` are.
        smiles: Column of the SMILES; by default the one that is called so.
        targets: Columns of numbers, which become ``y`` ``[rows, T]``.
        ids: Column of identifiers. Those of a CSV file are kept exactly as they are written.

    Raises:
        ValueError: If the file's kind is unknown, or a column is missing; in the course of the iteration, if a target
            is no number, or no record of an SD file has it.
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self, path: str | Path, smiles: str | None = None, targets: Sequence[str] = (), ids: str | None = None
    ) -> None:
        self.path = Path(path)
        self.kind = table_kind(self.path)
        self.targets = list(targets)
        self.ids = ids
        self.others = list(dict.fromkeys([*self.targets, *([] if ids is None else [ids])]))
        if self.kind in (*RECORDS, *LINES):
            refuse_smiles_column(self.kind, smiles)
            self.smiles = MOLECULE
        else:
            self.smiles = find_smiles_column(self.columns(), smiles)
        if self.kind not in RECORDS:  # each record has properties of its own
            for name in self.others:
                check_column(self.columns(), name)

    def columns(self) -> list[str]:
        r"""Names of the columns; none for an SD or mol2 file."""
        return table_columns(self.path, self.kind)

    @property
    def num_rows(self) -> int | None:
        r"""Number of rows, where the file says it."""
        if self.kind != ".parquet":
            return None
        with arrow_named(self.path):
            return int(pq.read_metadata(self.path).num_rows)

    def __iter__(self) -> Iterator[Rows]:
        if self.num_rows is not None:
            yield from self.between(0, self.num_rows)
            return
        start, seen = 0, set[str]()
        for frame in table_frames(self.path, self.kind, CHUNK_ROWS):
            stop = start + len(frame)
            seen.update(frame.columns)
            frame.index = pd.RangeIndex(start, stop)  # errors name rows of the whole table
            yield self._rows(frame if self.kind not in RECORDS else frame.reindex(columns=self._columns()))
            start = stop
        if self.kind in RECORDS and start:
            for name in self.others:
                check_column(sorted(seen - {MOLECULE}), name)

    def between(self, start: int, stop: int) -> Iterator[Rows]:
        r"""The rows from `start` to before `stop` of a Parquet file, without reading those of other row groups.

        Raises:
            ValueError: If it is a file of another kind, in which nothing says where a row begins.
        """
        if self.kind != ".parquet":
            raise ValueError(f"rows can be read from the middle of a .parquet file only, not of {self.path}")
        with arrow_named(self.path), pq.ParquetFile(self.path) as file:
            counts = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum([0, *counts])
            groups = [group for group in range(len(counts)) if ends[group] < stop and ends[group + 1] > start]
            row = int(ends[groups[0]]) if groups else 0
            for batch in file.iter_batches(CHUNK_ROWS, row_groups=groups, columns=self._columns()):
                first, last = max(start - row, 0), min(stop - row, len(batch))
                if first < last:
                    frame = as_frame(batch.slice(first, last - first))
                    frame.index = pd.RangeIndex(row + first, row + last)
                    yield self._rows(frame)
                row += len(batch)

    def _columns(self) -> list[str]:
        return list(dict.fromkeys([self.smiles, *self.others]))

    def _rows(self, frame: pd.DataFrame) -> Rows:
        labels = [number_column(frame, target) for target in self.targets]
        ids = None if self.ids is None else id_column(frame, self.ids)
        return Rows(frame[self.smiles].tolist(), {"y": np.stack(labels, axis=-1)} if labels else {}, ids)
