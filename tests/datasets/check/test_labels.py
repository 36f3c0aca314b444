import math

import numpy as np
import pandas as pd
import pytest

from pyg_moleblend.datasets.check import describe_labels, parse_labels
from pyg_moleblend.datasets.check.labels import LabelReport


def report(*cells: object) -> LabelReport:
    return describe_labels(parse_labels("t", pd.Series(list(cells), dtype=object)), np.arange(len(cells)) * 10)


def test_cells_of_every_kind() -> None:
    found = report("1.5", 2, " ", "", None, math.nan, "high", "inf", "-3e2", math.inf)
    assert (found.labelled, found.missing) == (3, 7)
    assert found.unreadable == [60, 70, 90]
    assert (found.low, found.high, found.kind) == (-300, 2, "regression")


def test_classification() -> None:
    found = report("0", "1", "1.0", "", "0")
    assert (found.kind, found.labelled, found.positives, found.missing) == ("classification", 4, 2, 1)
    assert not found.single_valued
    assert found.outliers == []


@pytest.mark.parametrize("cells", [("1", "1", ""), ("0",), ("2.5", "2.5")])
def test_one_value_only(cells: tuple[str, ...]) -> None:
    assert report(*cells).single_valued


def test_no_label() -> None:
    found = report("", None)
    assert (found.kind, found.labelled, found.missing, found.single_valued) == ("none", 0, 2, False)
    assert math.isnan(found.mean)


def test_outliers_are_told_furthest_first() -> None:
    values = np.random.default_rng(0).normal(5, 2, 400).tolist()
    values[7], values[3] = 500.0, -90.0
    assert report(*values).outliers == [70, 30]
    assert report(*values).mean == pytest.approx(np.mean(values))
    assert report(1.0, 1.0, 1.0, 1.0, 7.0).outliers == []  # no spread to compare with
