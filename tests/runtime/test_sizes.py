import pytest

from pyg_moleblend.runtime.sizes import check_sizes


@pytest.mark.parametrize("size", [0, -3, 2.0, "4", True, None], ids=str)
def test_a_size_is_an_integer_from_one(size: object):
    check_sizes(channels=1, heads=10**6)
    with pytest.raises(ValueError, match=f"`heads` must be an integer of at least 1, got {size!r}"):
        check_sizes(channels=1, heads=size)


def test_a_size_beyond_what_tensors_have_is_refused():
    with pytest.raises(ValueError, match=f"`heads` must be at most 2147483647, got {10**30}"):
        check_sizes(channels=2**31 - 1, heads=10**30)
