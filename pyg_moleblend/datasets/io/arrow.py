r"""Parquet and Feather files: what pyarrow reads is looked at before it is used, and errors name the file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from pyg_moleblend.runtime.open_file import damage_named


@contextmanager
def arrow_named(path: Path) -> Iterator[None]:
    r"""As :func:`~pyg_moleblend.runtime.open_file.damage_named`, with pyarrow's errors."""
    try:
        with damage_named(path):
            yield
    except pa.ArrowException as error:
        raise ValueError(f"{path} is damaged, or holds what cannot be read: {error}") from error


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    r"""A Parquet file, or some columns of it.

    Raises:
        ValueError: If it is damaged, or lacks a column.
    """
    with arrow_named(path):
        table = pq.read_table(path, columns=None if columns is None else list(columns))
        table.validate(full=True)
    return table


def read_feather(path: Path) -> pa.Table:
    r"""A Feather file, or a stream of Arrow.

    Raises:
        ValueError: If it is damaged.
    """
    with arrow_named(path):
        with open(path, "rb") as file:
            stream = file.read(4) == b"\xff\xff\xff\xff"
        if not stream:
            return feather.read_table(path)
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
            return reader.read_all()


def as_frame(table: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    r"""A table of pyarrow as a data frame: an index of pandas is a column, and integers stay what they are.

    Its buffers are looked at first, else a damaged one would be read beyond its end.
    """
    table.validate(full=True)
    return table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
