from typing import Any

import numpy as np
import pandas as pd
import pytest

from pyg_moleblend.datasets.io.table_columns import LARGEST_INTEGER, censored_column, id_column, number_column


@pytest.mark.parametrize("values", [[1, 0, 1], [True, False, True], ["1", " 0 ", "1e0"], [1.0, 0, "1.0"]])
def test_numbers_may_be_written_in_any_way(values: list[Any]) -> None:
    assert number_column(pd.DataFrame({"y": values}), "y").tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("missing", [None, np.nan, "", "  ", pd.NA, "NA", " nan "])
def test_missing_labels(missing: object) -> None:
    column = number_column(pd.DataFrame({"y": pd.Series([1.0, missing], dtype=object)}), "y")
    assert column.dtype == np.float64
    assert np.isnan(column).tolist() == [False, True]


@pytest.mark.parametrize("bad", ["active", "1,5", np.inf, "-inf", 1e39, ">10"])
def test_what_is_no_number_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"column 'y' must hold finite numbers.*row 1 holds"):
        number_column(pd.DataFrame({"y": pd.Series([1.0, bad], dtype=object)}), "y")


def test_bounds_are_a_number_and_a_side() -> None:
    cells = ["<5", " > 10 ", "<=-1.5e2", "≥3", "≤ .5", ">=7.", 4, "2.5", None, "NA", "<NA>"]
    values, sides = censored_column(pd.DataFrame({"y": pd.Series(cells, dtype=object)}), "y")
    np.testing.assert_array_equal(values, [5, 10, -150, 3, 0.5, 7, 4, 2.5, np.nan, np.nan, np.nan])
    assert sides.tolist() == [-1, 1, -1, 1, -1, 1, 0, 0, 0, 0, 0]
    numbers = pd.DataFrame({"y": [1.0, np.nan]})
    np.testing.assert_array_equal(censored_column(numbers, "y")[0], numbers["y"])


@pytest.mark.parametrize("bad", ["<", ">x", "<<5", "~5", "=5", "5<", "<1e39", "> 1,5"])
def test_what_is_no_bound_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"column 'y' must hold finite numbers.*row 3 holds"):
        censored_column(pd.DataFrame({"y": pd.Series([">1", bad], index=[2, 3])}), "y")


def test_identifiers_are_text_and_empty_where_there_is_none() -> None:
    frame = pd.DataFrame({"id": pd.Series(["007", None, np.nan, pd.NA, 5, "nan"], dtype=object)})
    assert id_column(frame, "id") == ["007", "", "", "", "5", "nan"]
    with pytest.raises(ValueError, match="no column 'name'"):
        id_column(frame, "name")


@pytest.mark.parametrize(
    ("cells", "advice"),
    [
        (["12%", "5%"], "without the sign"),
        (["<5", ">10"], "a bound is no value: moleblend finetune --censored"),
        (["~5"], "the number alone"),
        (["1,5", "1,234.5"], "with a point"),
        (["1 000"], "nothing between the digits"),
        (["2020-01-01"], "date"),
        (["True", "yes"], "1 and 0"),
        (["1_000"], "correct these cells"),
        ([np.datetime64("2020-01-01", "ns")], "date"),
        ([np.timedelta64(1, "ns")], "correct"),
        ([1 + 1j], "correct"),
        ([b"1"], "correct"),
        ([10**400], "15 digits"),
        ([2**53 + 1], "15 digits"),
        (["-9007199254740993", "1.5"], "15 digits"),
    ],
)
def test_three_cells_and_a_remedy_are_named(cells: list[object], advice: str) -> None:
    for column in (pd.Series(cells, dtype=object), pd.Series(cells)):
        with pytest.raises(ValueError, match=rf"'y' must hold finite numbers.*row 0 holds .*{advice}"):
            number_column(pd.DataFrame({"y": column}), "y")


def test_three_different_cells_are_shown() -> None:
    frame = pd.DataFrame({"y": ["a", "a", "1", "b", "c", "d"]})
    with pytest.raises(ValueError, match=r"row 0 holds 'a', row 3 holds 'b', row 4 holds 'c' \(5 rows in all\)"):
        number_column(frame, "y")


def test_numbers_have_all_their_digits() -> None:
    texts = ["-1234567.1234567", "0.1", "1e-300", " 7. "]
    assert number_column(pd.DataFrame({"y": texts}), "y").tolist() == [float(text) for text in texts]


def test_whole_numbers_that_float64_keeps_are_labels() -> None:
    for column in (
        pd.Series([LARGEST_INTEGER, -LARGEST_INTEGER]),
        pd.Series([f"{LARGEST_INTEGER}", f"-{LARGEST_INTEGER}"]),
    ):
        assert number_column(pd.DataFrame({"y": column}), "y").tolist() == [2.0**53 - 1, 1 - 2.0**53]
