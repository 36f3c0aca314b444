import pytest
import torch

from pyg_moleblend.checkpoints import from_pretrained
from pyg_moleblend.cli.parity import largest_difference


def test_a_changed_weight_shows(pretrained_model):
    first, second = from_pretrained(pretrained_model), from_pretrained(pretrained_model)
    assert set(largest_difference(first, second).values()) == {0.0}
    with torch.no_grad():
        second.objectives["spd"].head.bias += 0.5
    differences = largest_difference(first, second)
    assert differences["spd predictions"] == pytest.approx(0.5)
    assert differences["atom states"] == 0
