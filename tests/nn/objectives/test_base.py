import pytest
import torch

from pyg_moleblend.nn import Objective, Quality


def test_an_objective_must_say_everything():
    class Incomplete(Objective):
        def forward(self, state: object) -> torch.Tensor:
            return torch.zeros(())

    with pytest.raises(TypeError, match=r"loss.*quality.*reset_parameters"):
        Incomplete()


def test_quality_is_a_sum_with_its_weight():
    total, weight = Quality(torch.tensor(3.0), torch.tensor(2))
    assert (total / weight).item() == 1.5
