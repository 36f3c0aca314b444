r"""What the labels of a dataset are."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pyg_moleblend.datasets.io.table_columns import numbers_of

OUTLIER = 6.0
r"""Values further from the median than this many standard deviations, told from the median deviation, stand out."""

_MAD_TO_STD = 1.4826  # of a normal distribution


class Labels(NamedTuple):
    r"""Labels of one target.

    Attributes:
        name: The target.
        values: One a molecule, float64 ``[M]``, NaN where there is none or it cannot be read.
        unreadable: Whether a cell holds what is no finite number, ``[M]``.
    """

    name: str
    values: NDArray[np.float64]
    unreadable: NDArray[np.bool_]


class LabelReport(NamedTuple):
    r"""What the labels of one target are.

    Attributes:
        name: The target.
        kind: ``"classification"`` where all labels are 0 or 1, else ``"regression"``; ``"none"`` without labels.
        labelled: Molecules with a label.
        missing: Molecules without.
        unreadable: Rows that hold what is no finite number; they count as missing.
        positives: Labels 1 of a classification, else 0.
        mean: Mean of the labels, NaN without any.
        std: Their standard deviation.
        low: The least.
        high: The greatest.
        outliers: Rows of a regression's values that lie far out (:data:`OUTLIER`), furthest first.
        single_valued: Whether all labels are equal, so that no ranking metric and no R² is defined.
    """

    name: str
    kind: str
    labelled: int
    missing: int
    unreadable: list[int]
    positives: int
    mean: float
    std: float
    low: float
    high: float
    outliers: list[int]
    single_valued: bool


def parse_labels(name: str, cells: "pd.Series[object]") -> Labels:
    r"""Labels from the cells of a table; nothing in them is an error.

    Args:
        name: The target.
        cells: Numbers or texts; empty ones and blanks are missing.
    """
    return Labels(name, *numbers_of(cells))


def describe_labels(labels: Labels, rows: NDArray[np.int64]) -> LabelReport:
    r"""Describes the labels of one target.

    Args:
        labels: The labels of M molecules.
        rows: Rows of the molecules, ``[M]``.
    """
    given = ~np.isnan(labels.values)
    values = labels.values[given]
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    kind = "none" if not len(values) else "classification" if binary else "regression"
    summary = (values.mean(), values.std(), values.min(), values.max()) if len(values) else (np.nan,) * 4
    mean, std, low, high = map(float, summary)
    return LabelReport(
        labels.name,
        kind,
        labelled=len(values),
        missing=int((~given).sum()),
        unreadable=rows[labels.unreadable].tolist(),
        positives=int(values.sum()) if kind == "classification" else 0,
        mean=mean,
        std=std,
        low=low,
        high=high,
        outliers=_outliers(values, rows[given]) if kind == "regression" else [],
        single_valued=bool(len(values) and low == high),
    )


def _outliers(values: NDArray[np.float64], rows: NDArray[np.int64]) -> list[int]:
    distance = np.abs(values - np.median(values))
    spread = _MAD_TO_STD * np.median(distance)
    if spread == 0:  # more than half of the values are one
        return []
    far = np.flatnonzero(distance > OUTLIER * spread)
    return rows[far[np.argsort(-distance[far], kind="stable")]].tolist()
