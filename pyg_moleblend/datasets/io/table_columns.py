r"""Columns of a table of molecules: which they are, and what their cells say."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MISSING = frozenset(
    [
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    ]
)
r"""What stands in a column of numbers where there is none: what pandas takes for missing, as its documentation says."""


def number_column(frame: pd.DataFrame, column: str) -> NDArray[np.float32]:
    r"""A column as numbers, NaN where it is empty.

    Raises:
        ValueError: If there is no such column, or a value is neither a finite number nor missing.
    """
    check_column(list(frame.columns), column)
    given = without_missing(frame[column])
    numbers = pd.to_numeric(given, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    too_large = np.abs(numbers) > np.finfo(np.float32).max
    bad = np.flatnonzero((np.isnan(numbers) & given.notna().to_numpy()) | too_large)
    if len(bad):
        more = f", and so do {len(bad) - 1} more" if len(bad) > 1 else ""
        raise ValueError(
            f"column {column!r} must hold finite numbers, or nothing where there is no label; row "
            f"{frame.index[bad[0]]} holds {frame[column].iloc[bad[0]]!r}{more}"
        )
    return numbers.astype(np.float32)


def id_column(frame: pd.DataFrame, column: str) -> list[str]:
    r"""A column as identifiers, empty where it is.

    Raises:
        ValueError: If there is no such column.
    """
    check_column(list(frame.columns), column)
    return ["" if pd.isna(value) else str(value) for value in frame[column]]


def without_missing(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    r"""The cells of a column of numbers, with NaN for what says that there is none (:data:`MISSING`)."""
    return cells.map(lambda cell: np.nan if isinstance(cell, str) and cell.strip() in MISSING else cell)


def check_column(columns: Sequence[Any], column: str) -> None:
    r"""Raises ``ValueError``, and says which columns there are, unless there is exactly one of this name."""
    found = list(columns).count(column)
    if found != 1:
        many = "no column" if not found else f"{found} columns"
        raise ValueError(f"the table has {many} {column!r}; its columns are {list(columns)}")


def find_smiles_column(columns: Sequence[Any], smiles: str | None) -> str:
    r"""The column of the molecules: the one that is named, or the one that is called SMILES, in any case.

    Raises:
        ValueError: If it is missing or not clear which it is.
    """
    if smiles is None:
        named = [column for column in columns if str(column).lower() == "smiles"]
        if len(named) != 1:
            raise ValueError(
                f"say which column holds the molecules, one of {list(columns)} (smiles=..., or --smiles-column)"
            )
        return str(named[0])
    check_column(columns, smiles)
    return smiles
