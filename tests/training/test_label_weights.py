import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_sample_weight

from pyg_moleblend.metrics import Task
from pyg_moleblend.training.label_weights import LabelWeights, balanced

NAN = math.nan
VALUES = Task("regression", ("a", "b"), ("", ""), (0.0, 0.0), (1.0, 1.0))
CLASSES = Task("classification", ("a", "b"), ("", ""), (0.0, 0.0), (1.0, 1.0))
LABELS = torch.tensor([[0.0, 1.0], [0.0, NAN], [1.0, 1.0], [0.0, 1.0]])
POSITIONS = torch.tensor([5, 1, 0, 2])


def test_classes_are_balanced_as_by_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(60, 3, generator=generator) < torch.tensor([0.1, 0.5, 0.9])).double()
    labels[::7, 1] = NAN
    for found, column in zip(balanced(labels).T, labels.T, strict=True):
        known = ~column.isnan()
        np.testing.assert_allclose(found[known], compute_sample_weight("balanced", column[known].numpy()))
    assert (balanced(torch.ones(3, 1)) == 1).all()


def test_they_are_products_whose_factors_have_the_mean_1():
    molecules = [1.0, 2.0, 4.0, NAN, NAN, 1.0]
    found = LabelWeights(molecules, [1.0, 3.0], balance=True).of(CLASSES, LABELS, POSITIONS, 6)
    rows, targets = torch.tensor([0.5, 1.0, 0.5, 2.0]), torch.tensor([0.5, 1.5])
    classes = torch.tensor([[2 / 3, 1.0], [2 / 3, 1.0], [2.0, 1.0], [2 / 3, 1.0]])
    torch.testing.assert_close(found, rows[:, None] * targets * classes)
    assert (LabelWeights().of(VALUES, LABELS, POSITIONS, 6) == 1).all()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (LabelWeights([1.0] * 5), r"a weight for each of 6 molecules, got \[5\]"),
        (LabelWeights([1.0, NAN, 1, 1, 1, 1]), "row 11 has no weight, and 0 others"),
        (LabelWeights([1.0, -2.0, 1, 1, 1, math.inf]), "row 15 has the weight inf, and 1 others"),
        (LabelWeights([0.0, 0, 0, 1, 1, 0]), "the weights of all molecules are 0"),
        (LabelWeights(targets=[1.0]), r"a weight for each of \['a', 'b'\], got \[1.0\]"),
        (LabelWeights(targets=[1.0, -1.0]), "weights of targets must be finite numbers, at least 0"),
        (LabelWeights(balance=True), "leave the balance out of a regression"),
    ],
)
def test_what_is_no_weight_is_refused(weights: LabelWeights, message: str):
    with pytest.raises(ValueError, match=message):
        weights.of(VALUES, LABELS, POSITIONS, 6, POSITIONS + 10)


def test_weights_whose_sum_no_float_holds_are_weights():
    found = LabelWeights([1e308] * 6).of(VALUES, LABELS, POSITIONS, 6)
    torch.testing.assert_close(found, torch.ones(4, 2))
