r"""Tables of molecules from files: delimited text, Parquet, Feather, SD and mol2 files, lists of SMILES."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow.parquet as pq

from pyg_moleblend.chem.sdf import mol2_records, record_fields, sdf_records
from pyg_moleblend.datasets.io.arrow import arrow_named, as_frame, read_feather
from pyg_moleblend.datasets.io.entries import Entry, SdfRecord
from pyg_moleblend.datasets.io.table_columns import find_smiles_column
from pyg_moleblend.datasets.io.table_kind import LINES, RECORDS, SEPARATORS, table_kind
from pyg_moleblend.runtime.open_file import damage_named, open_text

PORTION = 65_536
r"""Rows that are read at a time."""

MOLECULE = " molecule"
r"""What the entries are called where the file gives them no name; no column is called so."""

_MISTAKEN = (",", "\t", ";")


def read_table(source: str | Path | pd.DataFrame, smiles: str | None = None) -> tuple[pd.DataFrame, list[Entry]]:
    r"""A table and the molecule of each of its rows.

    Args:
        source: A file of one of the kinds of :data:`~pyg_moleblend.datasets.io.table_kind.READABLE`, compressed or not,
            or a data frame.
        smiles: Column of the SMILES, or of RDKit molecules; by default the one that is called so, in upper or
            lower case. An SD file has none: its records are the molecules, and their properties the columns,
            with the title as ``_Name``. Nor has a ``.smi`` file: what stands behind a SMILES is the column ``name``.

    Returns:
        The table, with a new index from 0 (cells of text are exactly as written), and its entries.

    Raises:
        ValueError: If the file's kind is unknown, it is damaged or holds no record, the column is missing or not
            clear, or a row of it is not one line.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
    else:
        path = Path(source)
        kind = table_kind(path)
        frames = list(table_frames(path, kind))
        if not frames:
            raise ValueError(f"{path} holds no record; check that it was written completely")
        frame = pd.concat(frames, ignore_index=True)
        if kind in (*RECORDS, *LINES):
            refuse_smiles_column(kind, smiles)
            return frame, frame.pop(MOLECULE).tolist()
    column = find_smiles_column(list(frame.columns), smiles)
    return frame, frame[column].tolist()


def refuse_smiles_column(kind: str, smiles: str | None) -> None:
    r"""Raises :class:`ValueError` for a column of SMILES of a file that has none."""
    if smiles is not None:
        raise ValueError(f"a {kind} file has no column of SMILES, leave smiles={smiles!r} out")


def table_columns(path: Path, kind: str) -> list[str]:
    r"""Names of a file's columns, as they are written; of SD and mol2 files, whose records have properties of their
    own, none.

    Raises:
        ValueError: If the file is damaged or empty.
    """
    if kind in SEPARATORS:
        with damage_named(path), open_text(path) as file:
            return _head(path, kind, file)[0]
    if kind == ".parquet":
        with arrow_named(path):
            return list(pq.read_schema(path).names)
    if kind == ".feather":
        return list(read_feather(path).column_names)
    return ["name"] if kind in LINES else []


def table_frames(path: Path, kind: str, rows: int = PORTION) -> Iterator[pd.DataFrame]:
    r"""A file in portions. Of records and lists of SMILES the molecules are the column :data:`MOLECULE`.

    Args:
        path: The file.
        kind: Its kind, of :func:`~pyg_moleblend.datasets.io.table_kind.table_kind`.
        rows: Rows of a portion, at most.

    Raises:
        ValueError: If the file is damaged, or a row of text is not one line with a cell a column.
    """
    if kind in SEPARATORS:
        yield from text_frames(path, kind, rows)
    elif kind == ".parquet":
        with arrow_named(path), pq.ParquetFile(path) as file:
            yield as_frame(file.read())
    elif kind == ".feather":
        table = read_feather(path)
        for start in range(0, max(len(table), 1), rows):
            with arrow_named(path):
                frame = as_frame(table.slice(start, rows))
            yield frame
    else:
        found = sdf_rows(path, kind) if kind in RECORDS else _smiles_lines(path)
        while portion := list(islice(found, rows)):
            yield pd.DataFrame(portion, dtype=object)


def text_frames(path: Path, kind: str, rows: int = PORTION) -> Iterator[pd.DataFrame]:
    r"""A file of delimited text in portions, every cell as it is written. Each line is a row, but for blank ones.

    Args:
        path: The file, compressed or not.
        kind: A key of :data:`~pyg_moleblend.datasets.io.table_kind.SEPARATORS`; it says what the separator is unless
            the head shows another.
        rows: Rows of a portion, at most.

    Raises:
        ValueError: If a line has more cells than the head has names, a quote makes one row of several lines, or the
            file is damaged.
    """
    with damage_named(path), open_text(path) as file:
        names, separator, first = _head(path, kind, file)
        empty = True
        while lines := list(islice(file, rows)):
            kept = [line for line in lines if not _is_blank(line)]
            if kept:
                yield _frame(path, names, separator, lines, kept, first)
                empty = False
            first += len(lines)
        if empty:
            yield pd.DataFrame(columns=pd.Index(names), dtype=str)


def sdf_rows(path: Path, kind: str = ".sdf") -> Iterator[dict[str, Entry]]:
    r"""The records of an SD or mol2 file as the column :data:`MOLECULE`, and what is written in their properties.

    Raises:
        ValueError: If the file is damaged.
    """
    records = sdf_records(path) if kind == ".sdf" else mol2_records(path)
    for number, record in enumerate(records):
        yield {**record_fields(record), MOLECULE: SdfRecord(f"record {number} of {path.name}", record)}


def _smiles_lines(path: Path) -> Iterator[dict[str, Entry]]:
    with damage_named(path), open_text(path) as file:
        for number, line in enumerate(file, 1):
            _refuse_zero_bytes(path, line, number)
            yield {MOLECULE: line.rstrip("\n"), "name": " ".join(line.split()[1:])}


def _head(path: Path, kind: str, file: IO[str]) -> tuple[list[str], str, int]:
    r"""Names of the columns, what separates them, and the number of the line behind them."""
    for number, line in enumerate(file, 1):
        if _is_blank(line):
            continue
        _refuse_zero_bytes(path, line, number)
        if line.count('"') % 2:
            raise ValueError(_quoted(path, number))
        separators = [SEPARATORS[kind], *_MISTAKEN]
        heads = [_cells(line, separator) for separator in separators]
        best = 0 if len(heads[0]) > 1 else max(range(len(heads)), key=lambda place: len(heads[place]))
        return heads[best], separators[best], number + 1
    raise ValueError(f"{path} is empty: its first line must name its columns")


def _cells(line: str, separator: str) -> list[str]:
    table = pd.read_csv(StringIO(line), sep=separator, header=None, dtype=str, keep_default_na=False)
    return [str(cell) for cell in table.iloc[0]]


def _frame(
    path: Path, names: Sequence[str], separator: str, lines: Sequence[str], kept: Sequence[str], first: int
) -> pd.DataFrame:
    text = "".join(kept)
    if "\0" in text:
        for number, line in enumerate(lines, first):
            _refuse_zero_bytes(path, line, number)
    try:
        with warnings.catch_warnings():
            # pandas would cut lines that are too long off, or take their first cell for an index.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                StringIO(text),
                sep=separator,
                header=None,
                names=range(len(names)),
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skip_blank_lines=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        if number := _open_quote(lines, first):
            raise ValueError(_quoted(path, number)) from error
        raise ValueError(
            f"{path} has lines with more cells than the {len(names)} names in its head, so which cell is of which "
            f"column is not clear ({' '.join(str(error).split())}); quote cells that hold a {separator!r}"
        ) from error
    if len(frame) != len(kept):
        raise ValueError(_quoted(path, _open_quote(lines, first) or first))
    frame.columns = pd.Index(names)  # pandas would rename the second of two that are called alike
    return frame


def _open_quote(lines: Sequence[str], first: int) -> int:
    return next((number for number, line in enumerate(lines, first) if line.count('"') % 2), 0)


def _quoted(path: Path, number: int) -> str:
    return (
        f'{path}: a quote (") in line {number} is not closed there, so that the lines after it would be part of its '
        "cell; close it or take it out (a cell that holds line breaks can be read from .parquet)"
    )


def _is_blank(line: str) -> bool:
    return not line.strip(" \n")


def _refuse_zero_bytes(path: Path, line: str, number: int) -> None:
    if "\0" in line:
        raise ValueError(f"{path} is damaged: line {number} holds a zero byte")
