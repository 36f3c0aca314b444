import pytest
import torch

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


def a_task(targets: int = 1) -> Task:
    names = tuple(f"t{i}" for i in range(targets))
    return Task("regression", names, ("",) * targets, (0.25,) * targets, (0.5,) * targets)


def test_labels_of_one_number_a_molecule_are_rows():
    r"""PyG collates `y` [1] to [B]: against outputs [B, 1] that would be B² differences."""
    labels = torch.tensor([0.25, 0.75, 1.25])
    assert torch.equal(a_task().rows(labels, 3), labels[:, None])
    two = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert torch.equal(a_task(2).rows(two.flatten(), 2), two)


@pytest.mark.parametrize("shape", [(3, 1), (3,), (4,), (1, 6), (2, 3), (3, 2, 1), ()])
def test_labels_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"labels of 2 targets \(t0, t1\) of 3 molecules must be \[3, 2\], got"):
        a_task(2).rows(torch.zeros(shape), 3)


def test_missing_labels_are_refused():
    with pytest.raises(ValueError, match=r"no labels: give each `Data` a `y` of shape \[1, 2\]"):
        a_task(2).rows(None, 3)


def test_deviations_have_units():
    task = Task("regression", ("a", "b"), ("eV", ""), (5.0, 2.0), (1.5, 0.5))
    mean, std = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.25, 2.0]])
    torch.testing.assert_close(task.restore(mean + std) - task.restore(mean), task.restore_deviation(std))


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
