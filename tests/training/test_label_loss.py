import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pyg_moleblend.metrics import Task
from pyg_moleblend.nn import BCE, MAE, MSE, Focal, Gaussian, Huber
from pyg_moleblend.training.label_loss import criterion_for, label_loss

NAN = math.nan


def a_task(targets: int = 1, kind: str = "regression") -> Task:
    names = tuple(f"t{i}" for i in range(targets))
    return Task(kind, names, ("",) * targets, (0.25,) * targets, (0.5,) * targets)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_losses_are_plain_loops_over_the_labels(data):
    shape = (4, 3)
    number = st.floats(-5, 5, width=32)
    outputs = torch.from_numpy(data.draw(arrays("float32", shape, elements=number)))
    missing = torch.from_numpy(data.draw(arrays("bool", shape)))
    binary = torch.from_numpy(data.draw(arrays("bool", shape))).float()
    values = torch.from_numpy(data.draw(arrays("float32", shape, elements=number)))
    weight = torch.from_numpy(data.draw(arrays("float32", shape, elements=st.floats(0, 3, width=32))))
    for criterion, labels in ((BCE(), binary), (MSE(), values)):
        task = Task("classification", ("a", "b", "c"), ("",) * 3, (0.0,) * 3, (1.0,) * 3)
        if isinstance(criterion, MSE):
            task = Task("regression", ("a", "b", "c"), ("",) * 3, (1.0, -2.0, 0.5), (2.0, 0.5, 1.0))
        labels = labels.masked_fill(missing, NAN)
        terms = []
        for i, j in (~missing).nonzero().tolist():
            output, label = outputs[i, j].double(), labels[i, j].double()
            if isinstance(criterion, BCE):
                p = output.sigmoid()
                term = -(label * p.log() + (1 - label) * (1 - p).log())
            else:
                term = (output - (label - task.mean[j]) / task.std[j]) ** 2
            terms.append(torch.stack([term, term * weight[i, j]]))
        plain, weighted = torch.stack(terms).mean(0) if terms else torch.zeros(2, dtype=torch.double)
        for expected, given_weight in ((plain, None), (weighted, weight)):
            found = label_loss(criterion, task, outputs[..., None], labels, weight=given_weight)
            torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("criterion", [MSE(), MAE(), Huber(), Gaussian()], ids=repr)
def test_bounds_and_values_are_each_of_their_own_loss(criterion):
    task, generator = a_task(2), torch.Generator().manual_seed(0)
    outputs = torch.randn(8, 2, criterion.outputs, generator=generator)
    labels = torch.randn(8, 2, generator=generator)
    labels[3, 1] = NAN
    side = torch.randint(-1, 2, (8, 2), generator=generator).to(torch.int8)
    assert {-1, 0, 1} == set(side.flatten().tolist())
    terms = []
    for i, j in (~labels.isnan()).nonzero().tolist():
        one, label = outputs[i : i + 1, j : j + 1], ((labels[i, j] - 0.25) / 0.5).view(1, 1)
        of = side[i : i + 1, j : j + 1]
        terms.append(criterion.bound_loss(one, label, of) if of.item() else criterion.loss(one, label))
    found = label_loss(criterion, task, outputs, labels, side)
    assert found.item() == pytest.approx(torch.cat(terms).mean().item(), rel=1e-5)
    assert torch.equal(
        label_loss(criterion, task, outputs, labels, 0 * side), label_loss(criterion, task, outputs, labels)
    )


def test_missing_labels_have_no_gradient():
    task = Task.from_labels(torch.tensor([[0.0, 2.0], [1.0, 4.0]]), ["a", "b"])
    outputs = torch.zeros(1, 2, 2, requires_grad=True)
    label_loss(Gaussian(), task, outputs, torch.tensor([[NAN, 4.0]])).backward()
    assert (outputs.grad[0, 0] == 0).all()
    assert (outputs.grad[0, 1] != 0).all()


def test_one_number_a_molecule_is_not_broadcast():
    outputs = torch.tensor([[[0.0]], [[1.0]], [[2.0]]])
    assert label_loss(MSE(), a_task(), outputs, torch.tensor([0.25, 0.75, 1.25])).item() == 0


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool, torch.float64])
def test_labels_of_any_type_are_standardised(dtype: torch.dtype):
    r"""The mean 0.25 and deviation 0.5 of integers are not cut to 0."""
    labels = torch.tensor([[1], [0]]).to(dtype)
    outputs = torch.tensor([[[1.5]], [[-0.5]]])
    assert label_loss(MSE(), a_task(), outputs, labels).item() == 0
    assert label_loss(MSE(), a_task(), outputs.bfloat16(), labels).dtype == torch.float32
    active = Task("classification", ("a",), ("",), (0.0,), (1.0,))
    expected = -(outputs[0].sigmoid().log() + (1 - outputs[1].sigmoid()).log()) / 2
    assert label_loss(BCE(), active, outputs, labels).item() == pytest.approx(expected.item())


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"outputs for 1 targets must be \['B', 1, 2\], got \[3, 1, 1\]"):
        label_loss(Gaussian(), a_task(), torch.zeros(3, 1, 1), torch.zeros(3, 1))


def test_criteria_are_of_one_kind_of_labels():
    assert isinstance(criterion_for(a_task(), None), MSE)
    assert isinstance(criterion_for(a_task(1, "classification"), None), BCE)
    with pytest.raises(ValueError, match=r"Focal\(gamma=2.0\) is for classification, and this is a regression: .*MSE"):
        criterion_for(a_task(), Focal())


def test_a_loss_of_another_shape_is_refused():
    class Mean(MSE):
        def loss(self, outputs, labels):
            return super().loss(outputs, labels).mean()

    with pytest.raises(ValueError, match=r"must give a loss for each label, \[3, 1\], got \[\]"):
        label_loss(Mean(), a_task(), torch.zeros(3, 1, 1), torch.zeros(3, 1))
