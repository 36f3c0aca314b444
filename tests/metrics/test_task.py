import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pyg_moleblend.metrics import Task

NAN = torch.nan


def test_regression_is_standardised_by_its_labels_alone():
    labels = torch.tensor([[1.0, 10.0], [3.0, NAN], [NAN, 14.0], [8.0, 18.0]])
    task = Task.from_labels(labels, ["a", "b"], units=["eV", ""])
    assert task.kind == "regression"
    assert task.metrics == ("rmse", "mae", "r2")
    assert task.mean == (4.0, 14.0)
    assert task.std == pytest.approx(((26 / 3) ** 0.5, (32 / 3) ** 0.5))
    torch.testing.assert_close(task.restore(task.standardize(labels)), labels, equal_nan=True)
    assert Task.from_dict(task.to_dict()) == task


def test_classification_is_told_by_the_labels():
    task = Task.from_labels(torch.tensor([[0.0], [1.0], [NAN]]), ["active"])
    assert (task.kind, task.mean, task.std) == ("classification", (0.0,), (1.0,))
    assert task.restore(torch.tensor([[0.0]])).item() == 0.5
    assert Task.from_labels(torch.tensor([[0.0], [1.0]]), ["count"], kind="regression").kind == "regression"


def test_constant_target_is_not_divided_by_zero():
    task = Task.from_labels(torch.tensor([[5.0], [5.0]]), ["a"])
    assert task.standardize(torch.tensor([[5.0]])).item() == 0


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_losses_are_plain_loops_over_the_labels(data):
    shape = (4, 3)
    number = st.floats(-5, 5, width=32)
    outputs = torch.from_numpy(data.draw(arrays("float32", shape, elements=number)))
    missing = torch.from_numpy(data.draw(arrays("bool", shape)))
    binary = torch.from_numpy(data.draw(arrays("bool", shape))).float()
    values = torch.from_numpy(data.draw(arrays("float32", shape, elements=number)))
    for kind, labels in (("classification", binary), ("regression", values)):
        task = Task(kind, ("a", "b", "c"), ("",) * 3, (0.0,) * 3, (1.0,) * 3)
        if kind == "regression":
            task = Task(kind, ("a", "b", "c"), ("",) * 3, (1.0, -2.0, 0.5), (2.0, 0.5, 1.0))
        labels = labels.masked_fill(missing, NAN)
        terms = []
        for i, j in (~missing).nonzero().tolist():
            output, label = outputs[i, j].double(), labels[i, j].double()
            if kind == "classification":
                p = output.sigmoid()
                terms.append(-(label * p.log() + (1 - label) * (1 - p).log()))
            else:
                terms.append((output - (label - task.mean[j]) / task.std[j]) ** 2)
        expected = torch.stack(terms).mean() if terms else torch.tensor(0.0)
        torch.testing.assert_close(task.loss(outputs, labels).double(), expected.double(), rtol=1e-4, atol=1e-5)


def test_missing_labels_have_no_gradient():
    task = Task.from_labels(torch.tensor([[0.0, 2.0], [1.0, 4.0]]), ["a", "b"])
    outputs = torch.zeros(1, 2, requires_grad=True)
    task.loss(outputs, torch.tensor([[NAN, 4.0]])).backward()
    assert outputs.grad[0, 0] == 0
    assert outputs.grad[0, 1] != 0


@pytest.mark.parametrize(
    ("labels", "names", "kind", "message"),
    [
        ([[1.0, NAN], [0.0, NAN]], ["a", "b"], None, r"no training molecule has a label of \['b'\]"),
        ([[0.5], [1.0]], ["a"], "classification", "must be 0 or 1, got values from 0.5 to 1"),
        ([[0.5]], ["a", "b"], None, r"labels of 2 targets must be \[M, 2\], got \[1, 1\]"),
        ([[1.0]], ["a"], "ranking", "`kind` must be one of"),
    ],
)
def test_bad_labels_are_refused(labels, names, kind, message):
    with pytest.raises(ValueError, match=message):
        Task.from_labels(torch.tensor(labels), names, kind)
