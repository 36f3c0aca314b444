r"""A folder of results in Parquet files, with a manifest: an interrupted screening goes on from what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from pyg_moleblend.inference.screening.library import FileRows
from pyg_moleblend.inference.screening.output import OK, Tally, value_columns, write_parquet
from pyg_moleblend.inference.screening.top import Top
from pyg_moleblend.runtime.files import Digest, atomic_write, digest
from pyg_moleblend.runtime.part_files import MANIFEST_FILE, PartFiles, check_entry, load_object

PARTS = PartFiles("part", ".parquet", "results", 1)
r"""The files of such a folder."""

TOP_FILE = "top.parquet"


class PartEntry(NamedTuple):
    r"""What is known of a file of results without opening it.

    Attributes:
        first_row: The first row that its results are for, counted in the whole library.
        rows: How many rows they are for; the file has fewer where only the best and the failed are kept.
        failed: Rows without a result.
        reduced: Rows with one from 2D only.
        bytes: Size of the file.
        sha256: Of the file.
    """

    first_row: int
    rows: int
    failed: int
    reduced: int
    bytes: int
    sha256: str

    @property
    def tally(self) -> Tally:
        r"""What came of its rows."""
        return Tally(self.rows, self.failed, self.reduced)


def finished(folder: Path) -> dict[int, PartEntry]:
    r"""The files that are finished and whole, by their number: each one's checksum is compared."""
    known: dict[int, PartEntry] = {}
    for number, entry in {**_manifest_entries(folder), **PARTS.entries(folder)}.items():
        with suppress(ValueError, TypeError):  # a damaged entry says nothing
            found = PartEntry(**entry)
            check_entry(found, PARTS.entry_path(folder, number))
            known[number] = found
    whole = {n for n, entry in known.items() if PARTS.is_whole(folder, n, Digest(entry.bytes, entry.sha256))}
    return {number: known[number] for number in sorted(whole)}


def save_part(folder: Path, number: int, first_row: int, frame: pd.DataFrame, top: Top | None) -> PartEntry:
    r"""Writes the results for some rows, with ``top`` the best and those without a value, and that this is done."""
    tally = Tally.of(frame)
    if top is not None:
        columns = value_columns(frame)
        without = frame[frame[top.column(columns)].isna()]
        frame = pd.concat([top.best([frame], columns), without], ignore_index=True)
    path = PARTS.path(folder, number)
    write_parquet(path, frame)
    entry = PartEntry(first_row, *tally, *digest(path))
    PARTS.save_entry(folder, number, entry._asdict())
    return entry


def frames_of(folder: Path, numbers: Sequence[int]) -> Iterator[pd.DataFrame]:
    r"""The results of some of its files, a file in memory at a time."""
    for number in numbers:
        yield pd.read_parquet(PARTS.path(folder, number))


def finish(
    folder: Path, key: Mapping[str, Any], files: Sequence[FileRows], parts: Mapping[int, PartEntry], top: Top | None
) -> Tally:
    r"""Writes the best of all, if only they are wanted, and last the manifest that says that all is there.

    Raises:
        ValueError: If there are no rows, or none has a result.
    """
    total = Tally()
    for entry in parts.values():
        total = total.plus(entry.tally)
    first = next(frames_of(folder, sorted(parts)[:1]), None)
    if first is None:
        raise ValueError("there are no molecules: the files hold no row")
    check_some(total, first)
    columns = value_columns(first)
    if top is not None:
        write_parquet(folder / TOP_FILE, top.best(frames_of(folder, sorted(parts)), columns))
    content = {
        "key": key,
        "columns": list(first.columns),
        **total._asdict(),
        "files": [file._asdict() for file in files],
        "parts": [parts[number]._asdict() for number in sorted(parts)],
    }
    with atomic_write(folder / MANIFEST_FILE, "w") as file:
        json.dump(content, file, indent=1)
    PARTS.clear(folder)
    return total


def check_some(total: Tally, first: pd.DataFrame) -> None:
    r"""Raises ``ValueError`` if no row has a result, and says why the first has none."""
    if total.failed == total.rows:
        reasons = [reason for reason in first["status"] if reason != OK]
        because = f": the first row because {reasons[0]}" if reasons else ""
        raise ValueError(f"no molecule in {total.rows} rows has a result{because}")


def _manifest_entries(folder: Path) -> dict[int, dict[str, Any]]:
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return {}
    parts = load_object(path).get("parts")
    return dict(enumerate(parts)) if isinstance(parts, list) and all(isinstance(part, dict) for part in parts) else {}
