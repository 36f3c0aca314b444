import pytest

from pyg_moleblend.splits import column_split


def test_column_split() -> None:
    split = column_split(["Train", "val", "test ", "validation", "train"], "BACE's column")
    assert [positions.tolist() for positions in split.as_dict().values()] == [[0, 4], [1, 3], [2]]
    assert str(split) == f"BACE's column (2 train, 2 valid, 1 test; {split.hash})"
    with pytest.raises(ValueError, match=r"'holdout' at 1"):
        column_split(["train", "holdout"])
