import pytest

from pyg_moleblend.nn import BondPathBias, BondPathRecovery, DistanceBias, DistanceRecovery, SPDBias, SPDRecovery
from pyg_moleblend.nn.sizes import check_sizes


@pytest.mark.parametrize("size", [0, -3, 2.0, "4", True, None], ids=str)
def test_a_size_is_an_integer_from_one(size: object):
    check_sizes(channels=1, heads=10**6)
    with pytest.raises(ValueError, match=f"`heads` must be an integer of at least 1, got {size!r}"):
        check_sizes(channels=1, heads=size)


@pytest.mark.parametrize(
    ("kind", "arguments", "name"),
    [
        (SPDRecovery, {"channels": 0}, "channels"),
        (SPDRecovery, {"channels": 4, "num_classes": 0}, "num_classes"),
        (SPDRecovery, {"channels": 4, "num_classes": -3}, "num_classes"),
        (SPDRecovery, {"channels": 4, "pair_channels": 0}, "pair_channels"),
        (BondPathRecovery, {"channels": 4, "max_path_length": 0}, "max_path_length"),
        (DistanceRecovery, {"channels": 4, "pair_channels": -3}, "pair_channels"),
        (SPDBias, {"heads": 0}, "heads"),
        (BondPathBias, {"heads": 4, "max_path_length": 0}, "max_path_length"),
        (DistanceBias, {"heads": 4, "num_gaussians": -3}, "num_gaussians"),
    ],
)
def test_parts_of_no_size_are_refused_and_the_argument_is_named(kind: type, arguments: dict[str, int], name: str):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 1, got {arguments[name]}"):
        kind(**arguments)
