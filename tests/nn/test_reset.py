import pytest
import torch
from torch import nn

from pyg_moleblend.nn.reset import INIT_STD, reset, reset_children, reset_linear


class Marked(nn.Module):
    r"""Resets itself its own way, and its child not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.ones(2))
        self.inner = nn.Linear(2, 2)

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.value)


class Plain(nn.Module):
    def __init__(self, *children: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(children)


def changed(module: nn.Module, function) -> set[str]:
    before = {name: value.clone() for name, value in module.named_parameters()}
    function(module)
    return {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}


def test_a_module_that_can_is_asked_and_one_that_cannot_is_gone_into():
    assert changed(Marked(), reset) == {"value"}
    assert changed(Plain(nn.Linear(2, 2), Plain(Marked())), reset) == {
        "parts.0.weight", "parts.0.bias", "parts.1.parts.0.value",
    }  # fmt: skip


def test_children_alone_are_reset_whatever_the_module_itself_can():
    assert changed(Marked(), reset_children) == {"inner.weight", "inner.bias"}
    assert changed(nn.Linear(2, 2), reset_children) == set()


@pytest.mark.parametrize("bias", [True, False])
def test_fresh_weights_are_the_published_models(bias: bool):
    linear = nn.Linear(200, 200, bias=bias)
    torch.manual_seed(0)
    reset_linear(linear)
    assert linear.weight.std().item() == pytest.approx(INIT_STD, rel=0.02)
    assert linear.bias is None or not linear.bias.any()
