import itertools

import golden_data
import pytest
import torch

from pyg_moleblend import fields
from pyg_moleblend.fields import bond_class, bond_class_features, bond_class_targets

ALL_BONDS = torch.tensor(list(itertools.product(range(5), range(6), range(2))))


def test_vocabulary_is_ogbs():
    from ogb.utils.features import get_atom_feature_dims, get_bond_feature_dims

    assert list(fields.ATOM_FEATURE_SIZES) == get_atom_feature_dims()
    assert list(fields.BOND_FEATURE_SIZES) == get_bond_feature_dims()


def test_pair_fields_are_not_given_a_meaning_by_pyg():
    assert fields.PAIR_FIELDS == ("spd", "bond_path")
    for name in fields.PAIR_FIELDS:
        assert not any(word in name for word in ("index", "batch", "ptr", "face", "edge"))


def test_field_names_are_unique():
    names = [field.name for field in fields.FIELDS.values()]
    assert len(names) == len(set(names))


def test_bond_classes_are_one_to_sixty_by_the_formula():
    expected = [1 + kind * 12 + stereo * 2 + conjugated for kind, stereo, conjugated in ALL_BONDS.tolist()]
    classes = bond_class(ALL_BONDS)
    assert classes.dtype == torch.uint8
    assert classes.tolist() == expected
    assert sorted(expected) == list(range(1, fields.NUM_BOND_CLASSES + 1))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_bond_class_takes_any_shape_and_integer(dtype: torch.dtype):
    bonds = ALL_BONDS.to(dtype).view(3, 4, 5, 3)
    assert torch.equal(bond_class(bonds), bond_class(ALL_BONDS).view(3, 4, 5))
    assert bond_class(bonds[:0]).shape == (0, 4, 5)


@pytest.mark.parametrize("bond", [[5, 0, 0], [0, 6, 0], [0, 0, 2], [-1, 0, 0], [12, 0, 1]])
def test_bond_class_refuses_what_ogb_does_not_know(bond: list[int]):
    with pytest.raises(ValueError, match="pyg_to_ogb_features"):
        bond_class(torch.tensor([[0, 0, 0], bond]))


def test_bond_class_features_is_the_inverse():
    assert torch.equal(bond_class_features(), ALL_BONDS)


def test_ogb_targets_tell_all_classes_apart():
    assert bond_class_targets("ogb").tolist() == [-1, *range(60)]


def test_release_targets_are_its_24_classes():
    expected = [-1]
    for kind, stereo, conjugated in ALL_BONDS.tolist():
        known = kind < 4 and stereo < 3
        expected.append(kind * 6 + stereo * 2 + conjugated if known else -1)
    assert bond_class_targets("release").tolist() == expected
    assert sorted(value for value in expected if value >= 0) == list(range(24))


def test_unknown_bond_vocabulary_is_named():
    with pytest.raises(ValueError, match="'daylight'"):
        bond_class_targets("daylight")


def test_golden_molecules_lie_within_the_vocabulary():
    cases = golden_data.relation_cases()
    assert len(cases) == 108 + 11
    for case in cases:
        assert (case.graph.x >= 0).all()
        assert (case.graph.x < torch.tensor(fields.ATOM_FEATURE_SIZES)).all()
