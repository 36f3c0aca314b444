r"""The best of a library by a column of its results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd


class Top(NamedTuple):
    r"""Which results are kept, where not all are.

    Attributes:
        size: How many.
        by: The column that tells which are the best; the only one by default.
        lowest: Whether the lowest values are the best.
    """

    size: int
    by: str | None = None
    lowest: bool = False

    def best(self, frames: Iterable[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
        r"""The best rows of several tables, the best first; of equal ones those that come first. Rows without a value
        are not among them. Of the tables one is held at a time.

        Args:
            frames: Results.
            columns: Names of their columns of values.

        Raises:
            ValueError: If there is no such column, or one must be named.
        """
        by = self.column(columns)
        kept: pd.DataFrame | None = None
        for frame in frames:
            joined = frame if kept is None else pd.concat([kept, frame], ignore_index=True)
            joined = joined.dropna(subset=[by]).sort_values(by, ascending=self.lowest, kind="stable")
            kept = joined.head(self.size).reset_index(drop=True)
        if kept is None:
            raise ValueError("there are no results to take the best of")
        return kept

    def column(self, columns: list[str]) -> str:
        r"""The column that tells which are the best.

        Raises:
            ValueError: If there is no such column, or one must be named.
        """
        if self.by is None and len(columns) != 1:
            raise ValueError(f"the best by which column? Name one of {columns} (--by)")
        if self.by is not None and self.by not in columns:
            raise ValueError(f"there are no results {self.by!r} to take the best by, but {columns}")
        return self.by or columns[0]


def check_top(top: Top | None) -> None:
    r"""Raises ``ValueError`` unless it keeps at least one."""
    if top is not None and top.size < 1:
        raise ValueError(f"at least 1 of the best must be kept, got {top.size}")
