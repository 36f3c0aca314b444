import pytest
import torch
from torch import nn

from pyg_moleblend.nn import BondPathBias, DistanceBias, RelationBias, SPDBias


def test_a_relation_must_say_what_its_bias_is():
    class Incomplete(RelationBias):
        def reset_parameters(self) -> None: ...

    with pytest.raises(TypeError, match="forward"):
        Incomplete()


def test_a_modality_that_there_is_not_is_refused_when_the_class_is_made():
    with pytest.raises(ValueError, match=r"`modality` of Odd must be one of \('2d', '3d'\), got '4d'"):

        class Odd(RelationBias):
            modality = "4d"


def test_children_are_reset_unless_a_subclass_says_otherwise():
    class Plain(RelationBias):
        def __init__(self, heads: int) -> None:
            super().__init__()
            self.steps = nn.Sequential(nn.Linear(1, heads), nn.GELU(), nn.Linear(heads, heads))

        def forward(self, molecules: object) -> torch.Tensor:
            return torch.zeros(())

    relation = Plain(3)
    before = [value.clone() for value in relation.parameters()]
    relation.reset_parameters()
    assert not any(torch.equal(old, new) for old, new in zip(before, relation.parameters(), strict=True))
    assert relation.component_arguments() == {"heads": 3}


@pytest.mark.parametrize(
    ("relation", "modality", "fields"),
    [(SPDBias, "2d", {"spd"}), (BondPathBias, "2d", {"spd", "bond_path"}), (DistanceBias, "3d", set())],
)
def test_relations_of_the_paper_say_what_they_read(relation: type[RelationBias], modality: str, fields: set[str]):
    assert relation.modality == modality
    assert set(relation.pair_fields) == fields
