r"""The molecules that a screening is of: files of any number and kind, or lines of text."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.table_chunks import TableChunks
from pyg_moleblend.datasets.io.table_kind import KINDS, named_as_table
from pyg_moleblend.runtime.files import digest
from pyg_moleblend.runtime.part_files import KEY_FILE
from pyg_moleblend.runtime.worker_pool import in_chunks

_LINES = 8192  # of text that are taken at a time


class FileRows(NamedTuple):
    r"""A file, and which rows of the library are its.

    Attributes:
        path: The file as it was named.
        first_row: The first of its rows.
        rows: How many it has.
    """

    path: str
    first_row: int
    rows: int


class Library:
    r"""Molecules of table files, one file after another, a portion in memory at a time.

    Args:
        paths: The files, of any of the kinds of :data:`~pyg_moleblend.datasets.io.table_kind.READABLE`.
        smiles: Column of the SMILES; by default the one that is called so.
        ids: Column of identifiers; by default rows are numbered from 0, through all files.

    Raises:
        ValueError: If a file is none that can be read, or a column is missing.
        FileNotFoundError: If there is no such file.
    """

    def __init__(self, paths: Sequence[str | Path], smiles: str | None = None, ids: str | None = None) -> None:
        self.smiles, self.ids = smiles, ids
        self.tables: list[TableChunks] = []
        for path in paths:
            with _named(path):
                self.tables.append(TableChunks(path, smiles, (), ids))
        self.files: list[FileRows] = []

    @property
    def num_rows(self) -> int | None:
        r"""Number of rows, where all of the files say theirs."""
        counts = [table.num_rows for table in self.tables]
        return None if None in counts else sum(count for count in counts if count is not None)

    def key(self) -> dict[str, Any]:
        r"""What tells these molecules from others: contents of the files, their kinds and columns."""
        return {
            "files": [
                {**digest(table.path)._asdict(), "kind": table.kind, "smiles": table.smiles, "ids": table.ids}
                for table in self.tables
            ]
        }

    def __iter__(self) -> Iterator[Rows]:
        self.files, row = [], 0
        for table in self.tables:
            first = row
            with _named(table.path):
                for rows in table:
                    yield numbered(rows, row)
                    row += len(rows.entries)
            self.files.append(FileRows(str(table.path), first, row - first))


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    r"""Has errors say which of many files they are of."""
    try:
        yield
    except ValueError as error:
        raise error if str(path) in str(error) else ValueError(f"{path}: {error}") from error


class Lines:
    r"""SMILES that are given as text, which is taken as it comes.

    Args:
        texts: One SMILES each.
    """

    num_rows = None

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = texts
        self.files: list[FileRows] = []

    def __iter__(self) -> Iterator[Rows]:
        row = 0
        for texts in in_chunks(self.texts, _LINES):
            yield numbered(Rows(texts), row)
            row += len(texts)


def numbered(rows: Rows, first: int) -> Rows:
    r"""The rows with an identifier each: their own, or their number from `first` on."""
    return rows if rows.ids is not None else rows._replace(ids=[str(first + row) for row in range(len(rows.entries))])


def library_files(word: str) -> list[Path] | None:
    r"""The files that a word names, in the order of their names: a file, those of a folder, or of a pattern such as
    ``library/*.smi``.

    Returns:
        The files; ``None`` if it names none, as a SMILES does.

    Raises:
        ValueError: If it is a folder that holds no table or that we made, or a pattern that names what is no table, or
            one file twice.
        FileNotFoundError: If it is named as a table is, and there is none.
    """
    files = _files_of(word)
    places = [path.resolve() for path in files or ()]
    if files is not None and len(set(places)) < len(places):
        twice = next(path for path, place in zip(files, places, strict=True) if places.count(place) > 1)
        raise ValueError(f"{twice} is named twice, by a link say, and each of its molecules would be, too")
    return files


def _files_of(word: str) -> list[Path] | None:
    path = Path(word)
    if os.path.isdir(word):  # not the path, which for an empty word is this folder
        if (path / KEY_FILE).is_file():
            raise ValueError(
                f"{path} is a prepared folder or one of results ({KEY_FILE} is in it), not one of tables: name the "
                "table that it was made of, or its files by a pattern, 'part-*.parquet' say"
            )
        # A link that leads nowhere is among them, and an error where it is read.
        files = sorted(file for file in path.iterdir() if not file.is_dir() and named_as_table(file))
        if not files:
            raise ValueError(f"{path} holds no table; its files must be {KINDS} files, compressed or not")
        return files
    if os.path.exists(word):
        return [path]
    if glob.has_magic(word) and ("." in word or os.sep in word):  # else it is a SMILES
        files = sorted(map(Path, glob.glob(word, recursive=True)))
        if other := [file for file in files if not file.is_file() or not named_as_table(file)]:
            raise ValueError(
                f"{word} names {other[0]} too, which is not called as a {KINDS} file; name tables alone, '*.csv' say"
            )
        if files:
            return files
    if not named_as_table(path):
        return None
    raise FileNotFoundError(f"there is no file {path}")
