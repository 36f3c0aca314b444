import pytest

from pyg_moleblend.nn import BondPathBias, DistanceBias, RelationBias, SPDBias


def test_a_relation_must_say_what_its_bias_is():
    class Incomplete(RelationBias):
        def reset_parameters(self) -> None: ...

    with pytest.raises(TypeError, match="forward"):
        Incomplete()


@pytest.mark.parametrize(
    ("relation", "modality", "fields"),
    [(SPDBias, "2d", {"spd"}), (BondPathBias, "2d", {"spd", "bond_path"}), (DistanceBias, "3d", set())],
)
def test_relations_of_the_paper_say_what_they_read(relation: type[RelationBias], modality: str, fields: set[str]):
    assert relation.modality == modality
    assert set(relation.pair_fields) == fields
