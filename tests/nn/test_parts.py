import pytest

from pyg_moleblend.nn import PairBlending, SPDBias, SPDRecovery
from pyg_moleblend.nn.blending import Blending
from pyg_moleblend.nn.parts import check_part, check_parts
from pyg_moleblend.nn.relations import RelationBias


def test_parts_of_the_right_kind_pass():
    check_parts("relations", {"spd": SPDBias(2)}, RelationBias)
    check_part("blending", PairBlending(), Blending)


def test_a_class_is_to_be_called():
    with pytest.raises(
        ValueError, match=r"`relations\['spd'\]` must be of the class RelationBias, got the class SPDBias itself"
    ):
        check_parts("relations", {"spd": SPDBias}, RelationBias)


def test_a_part_of_another_kind_is_named():
    with pytest.raises(ValueError, match=r"`relations\['x'\]` must be of the class RelationBias, got SPDRecovery"):
        check_parts("relations", {"x": SPDRecovery(8)}, RelationBias)
    with pytest.raises(ValueError, match=r"`blending` must be of the class Blending, got dict"):
        check_part("blending", {"spd": 1.0}, Blending)


def test_parts_have_names():
    with pytest.raises(ValueError, match=r"`relations` must map names to parts of the class RelationBias, got list"):
        check_parts("relations", [SPDBias(2)], RelationBias)
