import pandas as pd
import pytest

from pyg_moleblend.inference.screening.top import Top, check_top

FRAME = pd.DataFrame({"id": list("abcdef"), "y": [1.0, 3.0, None, 3.0, 2.0, -1.0], "z": range(6)})


@pytest.mark.parametrize(("lowest", "expected"), [(False, "bdea"), (True, "faeb")])
def test_the_best_come_first_and_of_equal_ones_the_first(lowest: bool, expected: str) -> None:
    top = Top(4, "y", lowest)
    for size in (1, 2, 6):
        frames = [FRAME[start : start + size] for start in range(0, 6, size)]
        assert "".join(top.best(frames, ["y", "z"])["id"]) == expected
    assert len(Top(10, "y").best([FRAME], ["y", "z"])) == 5


def test_the_column_has_to_be_clear() -> None:
    assert Top(1).column(["y"]) == "y"
    with pytest.raises(ValueError, match=r"by which column\? Name one of \['y', 'z'\]"):
        Top(1).column(["y", "z"])
    with pytest.raises(ValueError, match="there are no results 'x'"):
        Top(1, "x").column(["y", "z"])
    with pytest.raises(ValueError, match="at least 1 of the best must be kept, got 0"):
        check_top(Top(0))
    with pytest.raises(ValueError, match="no results to take the best of"):
        Top(1).best([], ["y"])
