import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend import components
from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.components import UnknownComponentError, build, describe
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.nn import BCE, MAE, MSE, Criterion, Evidential, Focal, Gaussian, Huber, Quantile
from pyg_moleblend.nn.criteria.base import check_criterion

ALL = [MSE(), MAE(), Huber(0.5), Quantile(0.8), Gaussian(), Evidential(0.1), BCE(), Focal(1.5)]


class Shifted(Criterion):
    r"""One of a user's own: the second number is taken from the first."""

    outputs = 2

    def loss(self, outputs, labels):
        return (self.mean(outputs) - labels).square()

    def mean(self, outputs):
        return outputs[..., 0] - outputs[..., 1]


@pytest.mark.parametrize("criterion", ALL, ids=repr)
def test_losses_have_exact_gradients_and_are_of_each_label_alone(criterion: Criterion):
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(5, 3, criterion.outputs, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    labels = (labels > 0).double() if "classification" in criterion.kinds else labels
    assert torch.autograd.gradcheck(criterion.loss, (outputs, labels))
    losses = criterion.loss(outputs, labels)
    assert losses.shape == (5, 3)
    torch.testing.assert_close(criterion.loss(outputs[2:3, 1:2], labels[2:3, 1:2])[0, 0], losses[2, 1])
    side = torch.tensor([1, -1, 1]).expand(5, 3)
    if criterion.takes_bounds:
        assert torch.autograd.gradcheck(lambda given: criterion.bound_loss(given, labels, side), (outputs,))
    assert describe(build(describe(criterion))) == describe(criterion)


@pytest.mark.parametrize("criterion", ALL, ids=repr)
def test_predictions_minimise_the_loss(criterion: Criterion):
    r"""Of labels of one molecule: the mean, the median, or the logit of the share of ones."""
    generator = torch.Generator().manual_seed(1)
    classes = "classification" in criterion.kinds
    labels = torch.rand(400, 1, generator=generator, dtype=torch.float64)
    labels = (labels < 0.5).double() if classes else labels - 0.5
    outputs = torch.full((1, 1, criterion.outputs), 0.3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([outputs], max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = criterion.loss(outputs.expand(400, 1, -1), labels).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    found = float(criterion.mean(outputs.detach()))
    if classes:
        share = float(labels.mean())
        assert torch.tensor(found).sigmoid().item() == pytest.approx(share, abs=0.01)
    else:
        assert found == pytest.approx(0.0, abs=0.08)
    lower, upper = criterion.interval(outputs)
    assert lower <= found <= upper


@pytest.mark.parametrize("criterion", [MSE(), MAE(), Huber(0.5)], ids=repr)
def test_a_bound_costs_what_a_value_does_where_it_is_violated_and_else_nothing(criterion: Criterion):
    outputs = torch.tensor([[[-1.0]], [[2.0]]])
    bounds = torch.zeros(2, 1)
    whole = criterion.loss(outputs, bounds)
    above = criterion.bound_loss(outputs, bounds, torch.ones(2, 1))
    below = criterion.bound_loss(outputs, bounds, -torch.ones(2, 1))
    assert torch.equal(above, whole * torch.tensor([[1.0], [0.0]]))
    assert torch.equal(below, whole * torch.tensor([[0.0], [1.0]]))


def test_what_is_no_criterion_is_refused():
    class Wordless(Shifted):
        outputs = 0

    with pytest.raises(ValueError, match=r"must be a Criterion, such as Gaussian\(\), got 'mse'"):
        check_criterion("mse")
    with pytest.raises(ValueError, match=r"`outputs` of Wordless\(\) must be a positive integer, got 0"):
        MoleBlendForPropertyPrediction(samples.tiny_config(), 1, criterion=Wordless())


def test_one_of_your_own_is_saved_with_the_model(tmp_path, monkeypatch):
    monkeypatch.setattr(components.REGISTRY, "_classes", dict(components.REGISTRY._classes))
    config, batch = samples.tiny_config(), Batch.from_data_list(samples.molecules(4))
    model = samples.randomized(MoleBlendForPropertyPrediction(config, 3, criterion=Shifted())).eval()
    outputs = model.outputs(batch)
    assert outputs.shape == (4, 3, 2)
    assert torch.equal(model(batch), outputs[..., 0] - outputs[..., 1])
    folder = save_pretrained(model, tmp_path)
    with pytest.raises(UnknownComponentError, match="Shifted"):
        from_pretrained(folder)
    again = from_pretrained(folder, components=[Shifted])
    assert torch.equal(again(batch), model(batch))
    assert not Shifted().knows_std
    assert not Shifted().takes_bounds
