r"""Columns of a table of molecules: which they are, and what their cells say."""

import re
from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral, Real
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


LARGEST = float(np.finfo(np.float32).max)
r"""Numbers beyond this are taken for damage: what is computed from them would not fit float32."""

LARGEST_INTEGER = 2**53 - 1
r"""Whole numbers beyond this are not all kept as they are: float64 would round them without a word."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOUND = re.compile(r"\s*(?P<sign>[<>]=?|[≤≥])\s*(?P<number>.*?)\s*")
_SHOWN = 3
_ADVICE = {
    r"[<>≤≥].*": "a bound is no value: moleblend finetune --censored learns from bounds (in Python, "
    "MoleculeTable(..., censored=True)); elsewhere leave such cells empty",
    r"[~=].*": "write the number alone, or leave such cells empty",
    r".*%": "write percentages as numbers, without the sign",
    r"[+-]?\d[\d.]*(,\d+)+(\.\d*)?": "write 1.5 with a point, and 1234 without a comma",
    r"[+-]?\d{16,}": "float64 keeps 15 digits: take away what all values have in common; or is it an identifier?",
    r"[+-]?\d[\d'’ \u00a0\u202f]*(\.\d*)?": "write 1234 with nothing between the digits",
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d{1,2}:\d{2}.*": "a date is no label: write a number, of days say",
    r"(?i)true|false|yes|no|active|inactive|positive|negative|[ytnf]": "write classes as 1 and 0",
    r"(?i)[+-]?inf(inity)?|[+-]?\d.*e[+-]?\d+": "what is not known is left empty",
}


def number_column(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    r"""A column as numbers, NaN where it is empty.

    Raises:
        ValueError: If there is no such column, or a value is neither a finite number nor missing; three of them are
            named, with what to do about them.
    """
    check_column(list(frame.columns), column)
    values, bad = numbers_of(frame[column])
    if bad.any():
        cells = frame[column][bad]
        different = cells[~cells.astype(str).duplicated()].iloc[:_SHOWN]
        shown = ", ".join(f"row {row} holds {str(cell)[:40]!r}" for row, cell in different.items())
        more = f" ({len(cells)} rows in all)" if len(cells) > len(different) else ""
        raise ValueError(
            f"column {column!r} must hold finite numbers, or nothing where there is no label; {shown}{more}; "
            f"{_advice(str(different.iloc[0]))}"
        )
    return values


def censored_column(frame: pd.DataFrame, column: str) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    r"""A column of numbers and of bounds, ``<5`` or ``>=10``, the numbers as for :func:`number_column`.

    Returns:
        The numbers, and on which side of each the value lies: -1 below it, 1 above it, 0 where it is the value.

    Raises:
        ValueError: As there.
    """
    check_column(list(frame.columns), column)
    cells, sides = frame[column].tolist(), np.zeros(len(frame), dtype=np.int8)
    for place, cell in enumerate(cells):
        bound = _BOUND.fullmatch(cell) if isinstance(cell, str) else None
        if bound and _NUMBER.fullmatch(bound["number"]):
            cells[place], sides[place] = bound["number"], -1 if bound["sign"][0] in "<≤" else 1
    if not sides.any():
        return number_column(frame, column), sides
    return number_column(pd.DataFrame({column: pd.Series(cells, frame.index, dtype=object)}), column), sides


def numbers_of(cells: "pd.Series[Any]") -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    r"""The numbers of a column, NaN where there is none, and which cells hold something else.

    Numbers are written as ``-1.5e3``, with nothing between the digits; true and false of a column of that type are 1
    and 0. Dates are no numbers, nor is what lies beyond :data:`LARGEST`, or :data:`LARGEST_INTEGER` for whole ones.
    :data:`MISSING` says what is empty.
    """
    dtype: Any = cells.dtype
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        values = cells.to_numpy(np.float64, na_value=np.nan)
        whole = pd.api.types.is_integer_dtype(dtype)
        bad = np.abs(values) > (LARGEST_INTEGER if whole else LARGEST)
        return np.where(bad, np.nan, values), bad
    values, bad = np.full(len(cells), np.nan), np.zeros(len(cells), dtype=bool)
    for place, cell in enumerate(cells.tolist()):
        if not _is_missing(cell):
            value = _number(cell)
            values[place], bad[place] = value, not abs(value) <= LARGEST
    return np.where(bad, np.nan, values), bad


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip() in MISSING
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell)


def _number(cell: Any) -> float:
    r"""The number of a cell; NaN if it is none."""
    if isinstance(cell, str):
        text = cell.strip()
        if not _NUMBER.fullmatch(text):
            return np.nan
        return _whole(int(text)) if text.lstrip("+-").isdigit() and len(text) < 400 else float(text)
    if isinstance(cell, Integral) and not isinstance(cell, bool | np.timedelta64):
        return _whole(int(cell))
    if isinstance(cell, np.timedelta64) or not isinstance(cell, Real | Decimal | np.bool_):
        return np.nan
    try:
        return float(cell)
    except OverflowError:
        return np.inf


def _whole(number: int) -> float:
    return float(number) if abs(number) <= LARGEST_INTEGER else np.nan


def _advice(text: str) -> str:
    found = (advice for pattern, advice in _ADVICE.items() if re.fullmatch(pattern, text.strip()))
    return next(found, "correct these cells, or leave them empty")


def id_column(frame: pd.DataFrame, column: str) -> list[str]:
    r"""A column as identifiers, empty where it is.

    Raises:
        ValueError: If there is no such column.
    """
    check_column(list(frame.columns), column)
    return ["" if pd.isna(value) else str(value) for value in frame[column]]


def check_column(columns: Sequence[Any], column: str) -> None:
    r"""Raises ``ValueError``, and says which columns there are, unless there is exactly one of this name."""
    found = list(columns).count(column)
    if found != 1:
        many = "no column" if not found else f"{found} columns"
        quote = (
            "; a name with a comma in it is quoted, '\"a,b\",c'" if any("," in str(name) for name in columns) else ""
        )
        raise ValueError(f"the table has {many} {column!r}; its columns are {list(columns)}{quote}")


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
