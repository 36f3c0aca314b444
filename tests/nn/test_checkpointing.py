import pytest
import torch
import torch.nn.functional as F

from pyg_moleblend.nn.checkpointing import run


@pytest.mark.parametrize("activation_checkpointing", [False, True])
def test_gradients_are_those_of_the_same_random_numbers(activation_checkpointing: bool):
    x = torch.linspace(-1, 1, 64, requires_grad=True)
    torch.manual_seed(0)
    kept = F.dropout(torch.ones(64), 0.5)
    torch.manual_seed(0)
    result = run(lambda value: F.dropout(value.square(), 0.5), x, activation_checkpointing=activation_checkpointing)
    torch.testing.assert_close(result, kept * x.square())
    torch.testing.assert_close(torch.autograd.grad(result.sum(), x)[0], 2 * kept * x)


def test_the_function_runs_again_only_with_checkpointing():
    calls = []

    def square(value: torch.Tensor) -> torch.Tensor:
        calls.append(value)
        return value.square().exp()

    for activation_checkpointing, expected in ((False, 1), (True, 2)):
        calls.clear()
        x = torch.ones(3, requires_grad=True)
        run(square, x, activation_checkpointing=activation_checkpointing).sum().backward()
        assert len(calls) == expected
