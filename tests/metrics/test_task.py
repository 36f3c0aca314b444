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
    assert task.metrics == ("rmse", "mae", "r2", "spearman", "kendall")
    assert task.mean == (4.0, 14.0)
    assert task.std == pytest.approx(((26 / 3) ** 0.5, (32 / 3) ** 0.5))
    torch.testing.assert_close(task.restore(task.standardize(labels)), labels.double(), equal_nan=True)
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


def a_task(targets: int = 1, kind: str = "regression") -> Task:
    names = tuple(f"t{i}" for i in range(targets))
    return Task(kind, names, ("",) * targets, (0.25,) * targets, (0.5,) * targets)


def test_labels_of_one_number_a_molecule_are_not_broadcast():
    r"""PyG collates `y` [1] to [B]: against outputs [B, 1] that would be B² differences."""
    task, outputs = a_task(), torch.tensor([[0.0], [1.0], [2.0]])
    labels = torch.tensor([0.25, 0.75, 1.25])
    assert task.loss(outputs, labels).item() == 0
    assert torch.equal(task.rows(labels, 3), labels[:, None])
    two = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert torch.equal(a_task(2).rows(two.flatten(), 2), two)
    assert a_task(2, "classification").loss(two, torch.tensor([1, 0, 1, 1])).isfinite()


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool, torch.float64])
def test_labels_of_any_type_are_standardised(dtype: torch.dtype):
    r"""The mean 0.25 and deviation 0.5 of integers are not cut to 0."""
    labels = torch.tensor([[1], [0]]).to(dtype)
    outputs = torch.tensor([[1.5], [-0.5]])
    assert a_task().loss(outputs, labels).item() == 0
    assert a_task().loss(outputs, labels).dtype == torch.float32
    active = Task("classification", ("a",), ("",), (0.0,), (1.0,))
    expected = -(outputs[0].sigmoid().log() + (1 - outputs[1].sigmoid()).log()) / 2
    assert active.loss(outputs, labels).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("shape", [(3, 1), (3,), (4,), (1, 6), (2, 3), (3, 2, 1), ()])
def test_labels_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"labels of 2 targets \(t0, t1\) of 3 molecules must be \[3, 2\], got"):
        a_task(2).loss(torch.zeros(3, 2), torch.zeros(shape))


def test_missing_labels_and_odd_outputs_are_refused():
    with pytest.raises(ValueError, match=r"no labels: give each `Data` a `y` of shape \[1, 2\]"):
        a_task(2).rows(None, 3)
    with pytest.raises(ValueError, match=r"outputs for 1 targets must be \[B, 1\], got \[3\]"):
        a_task().loss(torch.zeros(3), torch.zeros(3, 1))


def test_energies_keep_their_digits():
    labels = -1_234_567 + torch.linspace(0, 1, 60, dtype=torch.float64)[:, None]
    task = Task.from_labels(labels, ["energy"])
    assert len(task.standardize(labels).float().unique()) == 60
    torch.testing.assert_close(task.restore(task.standardize(labels)), labels)


@pytest.mark.parametrize("values", [[[-1.0], [1.0], [1.0]], [[1.0], [2.0], [2.0]], [[0.0], [2.0], [0.0]]])
def test_what_may_be_classes_is_asked_for(values):
    labels = torch.tensor(values)
    with pytest.raises(ValueError, match=r"values or classes: 'y' holds -?\d and \d only.*kind='regression'"):
        Task.from_labels(labels, ["y"])
    assert Task.from_labels(labels, ["y"], "regression").kind == "regression"


def test_classes_among_values_are_asked_for():
    labels = torch.tensor([[0.0, 0.5], [1.0, 0.25], [1.0, 3.0]])
    with pytest.raises(ValueError, match="'a' holds 0 and 1 only"):
        Task.from_labels(labels, ["a", "b"])


def test_few_whole_numbers_are_said_to_be_taken_for_values(caplog):
    labels = torch.tensor([[0.0, 0.5], [1.0, 0.25], [2.0, 3.0], [2.0, 0.5]])
    assert Task.from_labels(labels, ["grade", "b"]).kind == "regression"
    assert "target 'grade' holds 0, 1, 2 only: taken for values" in caplog.text
    caplog.clear()
    Task.from_labels(labels, ["grade", "b"], "regression")
    assert not caplog.text


def test_infinite_labels_and_names_that_come_twice_are_refused():
    with pytest.raises(ValueError, match="1 of the training molecules are not, number 1 of them has an infinite 'b'"):
        Task.from_labels(torch.tensor([[1.0, 2.0], [2.0, torch.inf]]), ["a", "b"])
    with pytest.raises(ValueError, match="different names"):
        Task.from_labels(torch.rand(3, 2), ["a", "a"])
