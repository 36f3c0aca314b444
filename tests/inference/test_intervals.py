import math

import numpy as np
import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.inference import predict
from pyg_moleblend.inference.estimate import Estimate
from pyg_moleblend.inference.intervals import coverage, end_columns, errors_to_save, interval_widths, saved_errors
from pyg_moleblend.metrics import Task

TASK = Task("regression", ("gap", "mu"), ("eV", "D"), (5.0, 2.0), (1.5, 0.5))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_intervals_hold_what_they_say(level: float):
    generator = torch.Generator().manual_seed(0)
    held = 0
    for _ in range(400):
        errors = torch.randn(40, 1, generator=generator)
        width = interval_widths(
            ["y"], saved_errors({"errors": errors_to_save(errors, Estimate.of_values(0 * errors))}, 1), level
        )[0]
        held += int(abs(torch.randn((), generator=generator)) <= width)
    # Exactly ceil(41 level) / 41 in the mean, over draws of the errors, too.
    expected = math.ceil(41 * level) / 41
    assert held / 400 == pytest.approx(expected, abs=3.5 * math.sqrt(expected * (1 - expected) / 400))


def test_many_errors_are_kept_as_quantiles_that_are_no_smaller():
    errors = torch.linspace(0, 1, 5001)[:, None]
    kept = errors_to_save(errors, Estimate.of_values(torch.zeros_like(errors)))[0]
    assert len(kept) == 1000
    exact = interval_widths(["y"], [errors[:, 0].numpy()], 0.9)[0]
    assert exact <= interval_widths(["y"], [np.array(kept)], 0.9)[0] < exact + 0.01


def test_missing_labels_are_no_errors_and_few_have_no_interval(caplog):
    labels = torch.tensor([[1.0, torch.nan]] * 8)
    saved = errors_to_save(labels, Estimate.of_values(torch.zeros(8, 2)))
    assert saved == [[1.0] * 8, []]
    errors = saved_errors({"errors": saved}, 2)
    assert interval_widths(["a", "b"], errors, None) == {}
    assert "{'a': 8}" in caplog.text
    with pytest.raises(ValueError, match=r"hold 0.9 of the values need 9 labels .*\{'a': 8, 'b': 0\}"):
        interval_widths(["a", "b"], errors, 0.9)
    with pytest.raises(ValueError, match="between 0 and 1"):
        interval_widths(["a", "b"], errors, 95)


@pytest.mark.parametrize("damaged", [[[2.0, 1.0]], [[math.inf]], [[1.0], [1.0]], ["a"], 3, [[[1.0]]]])
def test_damaged_errors_are_told(damaged):
    with pytest.raises(ValueError, match="the saved errors"):
        saved_errors({"errors": damaged}, 1)


def test_no_column_has_the_name_of_another():
    assert end_columns(["y", "y_lower"], [0]) == ["y_lower_of_interval", "y_upper"]


def test_a_fine_tuned_model_has_them(model, tmp_path):
    errors = [[0.1 * (i + 1) for i in range(9)], [0.5]]
    metadata = {"task": TASK.to_dict(), "modality": "2d", "errors": errors}
    folder = save_pretrained(model, tmp_path, metadata)
    frame = predict(folder, ["CCO", "xx", "c1ccccc1"], device="cpu")
    assert list(frame) == ["id", "smiles", "gap", "mu", "gap_lower", "gap_upper", "status"]
    assert (frame["gap_upper"] - frame["gap"]).dropna().tolist() == pytest.approx([0.9, 0.9])
    assert (frame["gap"] - frame["gap_lower"]).dropna().tolist() == pytest.approx([0.9, 0.9])
    assert frame.loc[1, "gap":"gap_upper"].isna().all()


def test_other_inputs_than_the_trainings_have_none(model, tmp_path, caplog):
    metadata = {"task": TASK.to_dict(), "modality": "2d+3d", "errors": [[0.1] * 20, [0.5] * 20]}
    folder = save_pretrained(model, tmp_path, metadata)
    assert list(predict(folder, ["CCO"], modality="2d", device="cpu")) == ["id", "smiles", "gap", "mu", "status"]
    assert "errors are known of predictions from '2d+3d' only" in caplog.text
    with pytest.raises(ValueError, match="leave the level or the modality out"):
        predict(folder, ["CCO"], modality="2d", device="cpu", level=0.5)


def test_coverage_is_of_targets_that_have_both_labels_and_intervals():
    labels = np.array([[1.0, np.nan, 1.0], [2.0, np.nan, 1.0], [np.nan, np.nan, 1.0]])
    lower, upper = np.zeros((3, 3)), np.array([[1.5, 1.0, np.inf]] * 3)
    assert coverage(["a", "b", "c"], labels, lower, upper) == {"a": {"coverage": 0.5, "width": 1.5}}
