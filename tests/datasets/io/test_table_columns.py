from typing import Any

import numpy as np
import pandas as pd
import pytest

from pyg_moleblend.datasets.io.table_columns import id_column, number_column


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


def test_identifiers_are_text_and_empty_where_there_is_none() -> None:
    frame = pd.DataFrame({"id": pd.Series(["007", None, np.nan, pd.NA, 5, "nan"], dtype=object)})
    assert id_column(frame, "id") == ["007", "", "", "", "5", "nan"]
    with pytest.raises(ValueError, match="no column 'name'"):
        id_column(frame, "name")
