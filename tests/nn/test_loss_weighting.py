import math

import pytest
import samples
import torch
from torch import Tensor, nn

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import FixedWeights, LossWeighting, UncertaintyWeights

NAMES = ["spd", "bond_path", "displacement", "denoising"]


def losses(**values: float) -> dict[str, Tensor]:
    return {name: torch.tensor(value, requires_grad=True) for name, value in values.items()}


class Largest(LossWeighting):
    r"""The largest loss alone, by a learned factor."""

    def __init__(self, start: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(start))

    def forward(self, losses):
        return self.factor * torch.stack(list(losses.values())).max()


def test_fixed_weights_are_a_weighted_sum():
    given = losses(a=2.0, b=3.0)
    total = FixedWeights({"b": 10.0, "a": 1.0})(given)
    total.backward()
    assert total.item() == 32
    assert (given["a"].grad.item(), given["b"].grad.item()) == (1, 10)
    assert FixedWeights({"a": 0.0})(losses(a=5.0)).item() == 0


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, "1", None])
def test_weights_are_at_least_zero_and_finite(weight: float):
    with pytest.raises(ValueError, match=r"`loss_weights` must be at least 0 and finite, got \{'spd'") as raised:
        FixedWeights({"spd": weight, "denoising": 1.0})
    assert str(weight) in str(raised.value)
    with pytest.raises(ValueError, match="`loss_weights` must be at least 0"):
        samples.tiny_pretraining(loss_weights={"spd": weight})


def test_fixed_weights_are_those_of_the_objectives():
    FixedWeights({"a": 1.0, "b": 2.0}).check(["b", "a"])
    with pytest.raises(ValueError, match=r"names \['c'\], but the objectives are \['a'\]"):
        FixedWeights({"a": 1.0, "c": 2.0}).check(["a"])
    with pytest.raises(ValueError, match=r"no weight for the objectives \['b'\]"):
        FixedWeights({"a": 1.0}).check(["a", "b"])


def test_fixed_weights_are_not_the_callers_mapping():
    given = {"a": 1.0}
    weighting = FixedWeights(given)
    given["a"] = 5.0
    assert weighting.weights == {"a": 1.0}
    assert repr(weighting) == "FixedWeights(weights={'a': 1.0})"


def test_uncertainty_weights_by_a_plain_loop():
    weighting = UncertaintyWeights(["a", "b"])
    weighting.log_variances.data = torch.tensor([0.5, -1.0])
    total = weighting(losses(b=3.0, a=2.0))
    expected = sum(loss / math.exp(s) + s for loss, s in ((2.0, 0.5), (3.0, -1.0)))
    assert total.item() == pytest.approx(expected)
    fresh = UncertaintyWeights(["a", "b"])
    assert fresh(losses(a=2.0, b=3.0)).item() == 5


def test_the_best_variance_is_the_loss():
    r"""The minimum of ``loss / v + log v`` is at ``v = loss``."""
    weighting, optimum = UncertaintyWeights(["a", "b"]), torch.tensor([0.25, 4.0])
    weighting.log_variances.data = optimum.log()
    weighting(losses(a=0.25, b=4.0)).backward()
    torch.testing.assert_close(weighting.log_variances.grad, torch.zeros(2))


def test_uncertainty_weights_are_of_the_objectives():
    UncertaintyWeights(NAMES).check(NAMES[::-1])
    for names in (NAMES[:-1], [*NAMES, "more"]):
        with pytest.raises(ValueError, match="`names` of the weights must be those of the objectives"):
            samples.tiny_pretraining(loss_weights=UncertaintyWeights(names))


def test_gradients_equal_finite_differences():
    weighting = UncertaintyWeights(["a", "b"]).double()
    values = {"a": torch.tensor(2.0, dtype=torch.float64), "b": torch.tensor(0.3, dtype=torch.float64)}
    assert samples.gradcheck_parameters(weighting, lambda: weighting(values))


def test_reset_sets_the_variances_to_one():
    weighting = UncertaintyWeights(NAMES)
    weighting.log_variances.data.fill_(3.0)
    weighting.reset_parameters()
    assert not weighting.log_variances.any()
    model = samples.tiny_pretraining(loss_weights=UncertaintyWeights(NAMES))
    model.loss_weighting.log_variances.data.fill_(3.0)
    model.reset_parameters()
    assert not model.loss_weighting.log_variances.any()


@pytest.mark.parametrize("weighting", [UncertaintyWeights(NAMES), Largest()], ids=["uncertainty", "own"])
def test_a_learned_weighting_is_trained_with_the_model(weighting: LossWeighting):
    model, batch = samples.tiny_pretraining(loss_weights=weighting), samples.batch_of(samples.molecules(4))
    assert {f"loss_weighting.{name}" for name, _ in weighting.named_parameters()} <= set(model.state_dict())
    output = model(batch)
    assert output.loss == weighting(output.losses)
    output.loss.backward()
    assert all(value.grad.any() for value in weighting.parameters())


def test_a_weighting_of_ones_own_is_saved_and_loaded(tmp_path):
    model = samples.randomized(samples.tiny_pretraining(loss_weights=Largest(start=2.0)))
    save_pretrained(model, tmp_path)
    with pytest.raises(ValueError, match=r"needs the component 'Largest'.*components=\[Largest\]"):
        from_pretrained(tmp_path)
    again, batch = from_pretrained(tmp_path, components=[Largest]), samples.batch_of(samples.molecules(4))
    assert isinstance(again, MoleBlendForPretraining)
    assert type(again.loss_weighting) is Largest
    assert again.loss_weighting.component_arguments() == {"start": 2.0}
    first, second = (each(batch, generator=torch.Generator().manual_seed(0)) for each in (model, again))
    assert first.loss == second.loss == again.loss_weighting.factor * max(second.losses.values())


def test_a_weighting_must_say_what_the_total_is():
    class Incomplete(LossWeighting):
        pass

    with pytest.raises(TypeError, match="forward"):
        Incomplete()
