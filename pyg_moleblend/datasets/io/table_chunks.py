r"""Tables of any size, some thousand rows at a time."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.table_columns import check_column, find_smiles_column, id_column, number_column
from pyg_moleblend.datasets.io.table_files import SEPARATORS, sdf_rows, table_kind, text_columns, text_frames
from pyg_moleblend.runtime.worker_pool import in_chunks

CHUNK_ROWS = 8192

_LINES = (".smi", ".txt")
_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_MOLECULE = " molecule"  # what the entries are called where the file gives them no name; no file can give them this


class TableChunks:
    r"""The rows of a table file in portions, of which one is in memory at a time. It can be iterated many times.

    Args:
        path: A ``.csv`` or ``.tsv`` (also compressed), ``.parquet``, ``.sdf`` (also ``.gz``), ``.smi`` or ``.txt``
            file. The last two hold a SMILES a line, and behind it a name or none, which is the column ``name``. Blank
            lines of a ``.csv`` are no rows; those of a ``.smi`` are.
        smiles: Column of the SMILES; by default the one that is called so.
        targets: Columns of numbers, which become ``y`` ``[rows, T]``.
        ids: Column of identifiers. Those of a CSV file are kept exactly as they are written.

    Raises:
        ValueError: If the file's kind is unknown, or a column is missing; in the course of the iteration, if a target
            is no number.
        FileNotFoundError: If there is no such file.
    """

    def __init__(
        self, path: str | Path, smiles: str | None = None, targets: Sequence[str] = (), ids: str | None = None
    ) -> None:
        self.path = Path(path)
        self.kind = table_kind(self.path, _LINES)
        self.targets = list(targets)
        self.ids = ids
        self.others = list(dict.fromkeys([*self.targets, *([] if ids is None else [ids])]))
        if self.kind in (".sdf", *_LINES):
            if smiles is not None:
                raise ValueError(f"a {self.kind} file has no column of SMILES, leave smiles={smiles!r} out")
            self.smiles = _MOLECULE
        else:
            self.smiles = find_smiles_column(self.columns(), smiles)
        if self.kind != ".sdf":  # each record of an SD file has properties of its own
            for name in self.others:
                check_column(self.columns(), name)

    def columns(self) -> list[str]:
        r"""Names of the columns; none for an SD file."""
        if self.kind in SEPARATORS:
            return text_columns(self.path, self.kind)
        if self.kind == ".parquet":
            return list(pq.read_schema(self.path).names)
        return ["name"] if self.kind in _LINES else []

    @property
    def num_rows(self) -> int | None:
        r"""Number of rows, where the file says it."""
        return int(pq.read_metadata(self.path).num_rows) if self.kind == ".parquet" else None

    def __iter__(self) -> Iterator[Rows]:
        if self.num_rows is not None:
            yield from self.between(0, self.num_rows)
            return
        start = 0
        text = text_frames(self.path, self.kind, CHUNK_ROWS) if self.kind in SEPARATORS else self._text()
        for frame in text:
            stop = start + len(frame)
            frame.index = pd.RangeIndex(start, stop)  # errors name rows of the whole table
            yield self._rows(frame)
            start = stop

    def between(self, start: int, stop: int) -> Iterator[Rows]:
        r"""The rows from `start` to before `stop` of a Parquet file, without reading those of other row groups.

        Raises:
            ValueError: If it is a file of another kind, in which nothing says where a row begins.
        """
        if self.kind != ".parquet":
            raise ValueError(f"rows can be read from the middle of a .parquet file only, not of {self.path}")
        with pq.ParquetFile(self.path) as file:
            counts = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum([0, *counts])
            groups = [group for group in range(len(counts)) if ends[group] < stop and ends[group + 1] > start]
            row = int(ends[groups[0]]) if groups else 0
            for batch in file.iter_batches(CHUNK_ROWS, row_groups=groups, columns=self._columns()):
                first, last = max(start - row, 0), min(stop - row, len(batch))
                if first < last:
                    frame = batch.slice(first, last - first).to_pandas()
                    frame.index = pd.RangeIndex(row + first, row + last)
                    yield self._rows(frame)
                row += len(batch)

    def _columns(self) -> list[str]:
        return list(dict.fromkeys([self.smiles, *self.others]))

    def _rows(self, frame: pd.DataFrame) -> Rows:
        labels = [number_column(frame, target) for target in self.targets]
        ids = None if self.ids is None else id_column(frame, self.ids)
        return Rows(frame[self.smiles].tolist(), {"y": np.stack(labels, axis=-1)} if labels else {}, ids)

    def _text(self) -> Iterator[pd.DataFrame]:
        rows = self._records() if self.kind == ".sdf" else self._lines()
        for chunk in in_chunks(rows, CHUNK_ROWS):
            yield pd.DataFrame(chunk, columns=[_MOLECULE, *self.others], dtype=object)

    def _records(self) -> Iterator[dict[str, Any]]:
        for record, fields in sdf_rows(self.path):
            yield {**fields, _MOLECULE: record}

    def _lines(self) -> Iterator[dict[str, Any]]:
        opened: IO[str] = _OPEN.get(self.path.suffix.lower(), open)(
            self.path, "rt", encoding="utf-8-sig", errors="backslashreplace"
        )
        with opened as file:
            for line in file:
                yield {_MOLECULE: line.rstrip("\r\n"), "name": " ".join(line.split()[1:])}
