import pytest

from pyg_moleblend.runtime.sizes import check_sizes


@pytest.mark.parametrize("size", [0, -3, 2.0, "4", True, None], ids=str)
def test_a_size_is_an_integer_from_one(size: object):
    check_sizes(channels=1, heads=10**6)
    with pytest.raises(ValueError, match=f"`heads` must be an integer of at least 1, got {size!r}"):
        check_sizes(channels=1, heads=size)
