import pandas as pd
import pytest

from pyg_moleblend.viz import plot_learning_curves


def test_each_run_is_a_curve_of_its_epochs(tmp_path):
    log = pd.DataFrame({"epoch": [0, 0, 1, 1], "valid/loss": [None, 2.0, None, 1.0], "train/loss": [3, None, 2, None]})
    for version in (0, 1):  # a run that was resumed
        (tmp_path / f"csv/version_{version}").mkdir(parents=True)
        part = log[log["epoch"] == version]
        part.to_csv(tmp_path / f"csv/version_{version}/metrics.csv", index=False)
    figure = plot_learning_curves({"a": tmp_path}, "valid/loss", "loss")
    (line,) = figure.axes[0].lines
    assert line.get_xydata().tolist() == [[1, 2.0], [2, 1.0]]
    assert figure.axes[0].get_ylabel() == "loss"


def test_a_value_that_was_not_logged_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no log"):
        plot_learning_curves({"a": tmp_path}, "valid/loss")
    (tmp_path / "csv/version_0").mkdir(parents=True)
    pd.DataFrame({"epoch": [0]}).to_csv(tmp_path / "csv/version_0/metrics.csv", index=False)
    with pytest.raises(ValueError, match="valid/loss"):
        plot_learning_curves({"a": tmp_path}, "valid/loss")
