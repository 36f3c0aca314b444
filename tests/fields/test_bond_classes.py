import itertools

import pytest
import torch

from pyg_moleblend.fields import (
    NUM_BOND_CLASSES,
    bond_class,
    bond_class_features,
    bond_class_targets,
    num_bond_classes,
)

ALL_BONDS = torch.tensor(list(itertools.product(range(5), range(6), range(2))))


def test_bond_classes_are_one_to_sixty_by_the_formula():
    expected = [1 + kind * 12 + stereo * 2 + conjugated for kind, stereo, conjugated in ALL_BONDS.tolist()]
    classes = bond_class(ALL_BONDS)
    assert classes.dtype == torch.uint8
    assert classes.tolist() == expected
    assert sorted(expected) == list(range(1, NUM_BOND_CLASSES + 1))


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


@pytest.mark.parametrize("vocabulary", ["release", "daylight", 0, 256, -1, 2.0, True, None], ids=str)
def test_a_vocabulary_is_ogbs_or_a_number_of_categories(vocabulary: object):
    with pytest.raises(ValueError, match="`bond_vocabulary` must be 'ogb' or a number of categories from 1 to 255"):
        num_bond_classes(vocabulary)


def test_categories_are_counted_from_one():
    assert num_bond_classes("ogb") == 60
    assert num_bond_classes(255) == 255
    categories = torch.tensor([0, 3, 1, 254])
    for given in (categories, categories[:, None], categories.to(torch.uint8), categories.short()):
        classes = bond_class(given, 255)
        assert classes.dtype == torch.uint8
        assert classes.tolist() == [1, 4, 2, 255]
    assert bond_class(torch.zeros(0, dtype=torch.long), 4).shape == (0,)
    assert bond_class_targets(4).tolist() == [-1, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("edge_attr", "message"),
    [
        (torch.tensor([0, 4]), "bond categories must be from 0 to 3, got values up to"),
        (torch.tensor([-1, 0]), "bond categories must be from 0 to 3"),
        (torch.tensor([[0, 1]]), r"need `edge_attr` of shape \[E\] or \[E, 1\], got \[1, 2\]"),
        (torch.tensor([0.0, 1.0]), "bond features must be integers"),
    ],
    ids=["large", "negative", "wide", "float"],
)
def test_categories_outside_their_number_are_refused(edge_attr: torch.Tensor, message: str):
    with pytest.raises(ValueError, match=message):
        bond_class(edge_attr, 4)
