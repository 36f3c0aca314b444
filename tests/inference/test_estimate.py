import numpy as np
import pytest
import samples
import torch

from pyg_moleblend.inference.estimate import Estimate
from pyg_moleblend.inference.intervals import errors_to_save, interval_widths
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.nn import Gaussian, Quantile

TASK = Task("regression", ("gap", "mu"), ("eV", "D"), (5.0, 2.0), (1.5, 0.5))


def estimate_of(criterion, outputs):
    model = MoleBlendForPropertyPrediction(samples.tiny_config(), 2, criterion=criterion)
    return Estimate.of_outputs(model, TASK, outputs)


def test_deviations_and_quantiles_have_the_targets_units():
    outputs = torch.randn(6, 2, 2)
    estimate = estimate_of(Gaussian(), outputs)
    std = Gaussian().std(outputs) * torch.tensor(TASK.std)
    torch.testing.assert_close(estimate.scale.float(), std)
    torch.testing.assert_close(estimate.values, TASK.restore(outputs[..., 0]))
    assert torch.equal(estimate.lower, estimate.values)

    outputs = torch.randn(6, 2, 3)
    estimate = estimate_of(Quantile(), outputs)
    expected = Quantile().quantiles(outputs) * torch.tensor(TASK.std)[:, None] + torch.tensor(TASK.mean)[:, None]
    for number, found in enumerate((estimate.lower, estimate.values, estimate.upper)):
        torch.testing.assert_close(found.float(), expected[..., number])
    assert (estimate.scale == 1).all()
    assert all(torch.equal(a, b) for a, b in zip(estimate[:3], Estimate.of_columns(estimate.columns)[:3], strict=True))


def test_without_a_criterion_the_excess_is_the_absolute_error():
    values, labels = torch.randn(5, 2), torch.randn(5, 2)
    labels[0, 0] = torch.nan
    torch.testing.assert_close(Estimate.of_values(values).excess(labels), (labels - values).abs(), equal_nan=True)


@pytest.mark.parametrize("criterion", [None, Gaussian(), Quantile(0.5)], ids=repr)
def test_calibrated_intervals_hold_what_they_say(criterion):
    r"""Of as many molecules as the widths were learnt from, and of others, whatever the model says."""
    generator = torch.Generator().manual_seed(0)
    k = 1 if criterion is None else criterion.outputs
    outputs = torch.randn(4000, 2, k, generator=generator)
    noise = torch.randn(4000, 2, generator=generator) * outputs[..., -1].exp()
    labels = TASK.restore(outputs[..., 0] + noise)
    estimate = estimate_of(criterion, outputs)
    known, other = (Estimate(*(part[half] for part in estimate)) for half in (slice(2000), slice(2000, None)))
    widths = interval_widths(TASK.names, [np.array(e) for e in errors_to_save(labels[:2000], known)], 0.8)
    lower, upper = other.interval(torch.tensor([widths[0], widths[1]]))
    held = ((lower <= labels[2000:]) & (labels[2000:] <= upper)).double().mean(0)
    assert held.tolist() == pytest.approx([0.8, 0.8], abs=0.03)


def test_ends_that_move_inwards_do_not_cross():
    estimate = estimate_of(Quantile(), torch.randn(6, 2, 3))
    lower, upper = estimate.interval(torch.tensor([-100.0, -0.01]))
    assert torch.equal(lower[:, 0], upper[:, 0])
    assert (lower[:, 1] < upper[:, 1]).all()
    assert (lower[:, 1] > estimate.lower[:, 1]).all()


def test_a_prediction_lies_within_its_interval():
    estimate = estimate_of(Quantile(), torch.randn(50, 2, 3, generator=torch.Generator().manual_seed(0)))
    for width in (-1.0, -0.2, 0.3):
        lower, upper = estimate.interval(torch.tensor([width, width]))
        assert ((lower <= estimate.values) & (estimate.values <= upper)).all()


@pytest.mark.parametrize("std", [0.0, -1.0, torch.inf, torch.nan])
def test_a_deviation_that_is_none_is_refused(std):
    class Odd(Gaussian):
        def std(self, outputs):
            return torch.full_like(outputs[..., 0], std)

    with pytest.raises(ValueError, match="is not positive and finite"):
        estimate_of(Odd(), torch.randn(6, 2, 2))
