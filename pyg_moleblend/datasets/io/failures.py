r"""Rows that hold no molecule, and the files that list them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.open_file import content_named, damage_named


class Failure(NamedTuple):
    r"""A row without a molecule.

    Attributes:
        row: Position in the table, counted from 0.
        input: What the row holds.
        reason: Why that is no molecule.
    """

    row: int
    input: str
    reason: str


def save_failures(path: str | Path, failures: Iterable[Failure]) -> None:
    r"""Writes a CSV file with a failure a line, atomically."""
    with atomic_write(path, "w") as file:
        file.writelines(report_lines([Failure._fields, *failures]))


def load_failures(path: str | Path) -> list[Failure]:
    r"""The failures of a CSV file, which may have other columns too."""
    with content_named(path):
        return [Failure(int(line["row"]), line["input"], line["reason"]) for line in read_report(path)]


def report_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    r"""The lines of a CSV file that :func:`read_report` reads, whatever the texts are."""
    for row in rows:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerow(row)  # else a carriage return would not be quoted
        yield text.getvalue().removesuffix("\r\n") + "\n"


def read_report(path: str | Path) -> list[dict[str, str]]:
    r"""The rows of a CSV file, as texts by column."""
    # Not the module csv, which refuses texts of more than 128 kB.
    with damage_named(path):
        return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
