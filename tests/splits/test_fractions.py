from collections.abc import Callable

import pytest

from pyg_moleblend.splits import (
    balanced_scaffold_split,
    deepchem_scaffold_split,
    random_scaffold_split,
    random_split,
    scaffold_split,
)
from pyg_moleblend.splits.fractions import fractions_name


@pytest.mark.parametrize("fractions", [(0.8, 0.1), (0.8, 0.1, 0.2), (1.2, -0.1, -0.1), (0, 0.5, 0.5), ()])
@pytest.mark.parametrize(
    "split",
    [random_split, scaffold_split, deepchem_scaffold_split, balanced_scaffold_split, random_scaffold_split],
)
def test_fractions_are_checked(split: Callable[..., object], fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="`fractions` must be shares"):
        split(["C"] * 10, fractions)


def test_name() -> None:
    assert fractions_name((0.8, 0.15, 0.05)) == "0.8/0.15/0.05"
