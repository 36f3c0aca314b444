r"""Results written a portion at a time, to one file or to the standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.processes import is_first

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".parquet")
OK = "ok"
_TEXT = ("id", "smiles", "status")

Write = Callable[[pd.DataFrame], None]


class Tally(NamedTuple):
    r"""What came of some rows.

    Attributes:
        rows: How many there were.
        failed: Those without a result.
        reduced: Those with one from less than was wanted: from 2D only.
    """

    rows: int = 0
    failed: int = 0
    reduced: int = 0

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Tally:
        r"""The tally of results."""
        failed = int(frame[value_columns(frame)].isna().any(axis=1).sum())
        return cls(len(frame), failed, int((frame["status"] != OK).sum()) - failed)

    def plus(self, other: Tally) -> Tally:
        r"""Both together."""
        return Tally(*(mine + its for mine, its in zip(self, other, strict=True)))


def value_columns(frame: pd.DataFrame) -> list[str]:
    r"""The columns of results that hold what was computed."""
    return [name for name in frame.columns if name not in _TEXT]


@contextmanager
def open_output(out: str | Path | None) -> Iterator[Write]:
    r"""What writes results behind those that it has written; the file is there when all of them are. Of processes that
    are joined the first writes.

    Args:
        out: A ``.csv``, ``.tsv`` or ``.parquet`` file; CSV to the standard output by default.
    """
    if not is_first():
        yield lambda frame: None
    elif out is None:
        yield _text(sys.stdout, ",")
    elif Path(out).suffix == ".parquet":
        with atomic_write(out) as file, _Parquet(file) as parquet:
            yield parquet.write
    else:
        with atomic_write(out, "w") as file:
            yield _text(file, SEPARATORS[Path(out).suffix])


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    r"""Writes results to a Parquet file, the same bytes for the same results."""
    with open_output(path) as write:
        write(frame)


def _text(file: Any, separator: str) -> Write:
    begun = False

    def write(frame: pd.DataFrame) -> None:
        nonlocal begun
        frame.to_csv(file, sep=separator, index=False, header=not begun, lineterminator="\n")
        begun = True

    return write


class _Parquet:
    def __init__(self, file: Any) -> None:
        self.file = file
        self.writer: pq.ParquetWriter | None = None

    def __enter__(self) -> _Parquet:
        return self

    def write(self, frame: pd.DataFrame) -> None:
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.file, _schema(frame))
        self.writer.write_table(pa.Table.from_pandas(frame, schema=self.writer.schema, preserve_index=False))

    def __exit__(self, *error: object) -> None:
        if self.writer is not None:
            self.writer.close()


def _schema(frame: pd.DataFrame) -> pa.Schema:
    r"""The types of the columns, whatever happens to be in these rows of them."""
    kinds = {name: pa.string() if name in _TEXT else pa.from_numpy_dtype(frame[name].dtype) for name in frame.columns}
    return pa.schema(list(kinds.items()))
