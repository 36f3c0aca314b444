import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyg_moleblend.metrics import Evaluator
from pyg_moleblend.metrics.ogb import ogb_evaluator, save_pcqm4mv2_submission


def test_the_packages_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ogb.graphproppred", None)
    with pytest.raises(ImportError, match=r"pyg-moleblend\[ogb\]"):
        ogb_evaluator("ogbg-molhiv")


@pytest.mark.parametrize("size", [1, 2, 7, 1000, 4097])
@pytest.mark.parametrize(("name", "metric"), [("pcqm4mv2", "mae"), ("ogbg-mollipo", "rmse"), ("ogbg-molhiv", "rocauc")])
def test_the_digits_are_ours(name: str, metric: str, size: int) -> None:
    pytest.importorskip("ogb")
    rng = np.random.default_rng(size)
    y_true, y_pred = rng.normal(size=(2, size, 1)) * 10.0 ** rng.uniform(-3, 3)
    if metric == "rocauc":
        y_true = (y_true > 0).astype(float)
        if len(np.unique(y_true)) < 2:
            return
    shape = (-1,) if name == "pcqm4mv2" else (-1, 1)
    theirs = ogb_evaluator(name).eval({"y_true": y_true.reshape(shape), "y_pred": y_pred.reshape(shape)})
    assert Evaluator(metric)(y_true=y_true, y_pred=y_pred).value == theirs[metric]


def test_an_unknown_set_is_refused() -> None:
    pytest.importorskip("ogb")
    with pytest.raises(ValueError, match="Invalid dataset name ogbg-nothing"):
        ogb_evaluator("ogbg-nothing")


WANTED = [7, 3, 9]


def test_predictions_go_to_their_rows(tmp_path: Path) -> None:
    path = save_pcqm4mv2_submission(
        tmp_path / "new", "test-dev", wanted=WANTED, row=[1, 9, 7, 3], y_pred=np.array([[1.0], [9.5], [7.5], [3.5]])
    )
    assert path == tmp_path / "new" / "y_pred_pcqm4m-v2_test-dev.npz"
    found = np.load(path)["y_pred"]
    assert (found.dtype, found.tolist()) == (np.float32, [7.5, 3.5, 9.5])


def test_rows_that_could_not_be_read_are_filled_only_on_demand(tmp_path: Path) -> None:
    predictions: dict[str, Any] = {"wanted": WANTED, "row": [7, 3], "y_pred": [7.5, 3.5]}
    with pytest.raises(ValueError, match=r"1 rows of test-challenge have no prediction: \[9\]; give a `fallback`"):
        save_pcqm4mv2_submission(tmp_path, "test-challenge", **predictions)
    path = save_pcqm4mv2_submission(tmp_path, "test-challenge", **predictions, fallback=5.0)
    assert np.load(path)["y_pred"].tolist() == [7.5, 3.5, 5.0]


@pytest.mark.parametrize(
    ("part", "row", "y_pred", "message"),
    [
        ("valid", WANTED, [1.0, 2.0, 3.0], "must be 'test-dev' or 'test-challenge', got 'valid'"),
        ("test-dev", WANTED, [1.0, 2.0], r"rows \(3,\) and predictions \(2,\)"),
        ("test-dev", [7, 3, 9, 3], [1.0] * 4, r"1 rows have several predictions: \[3\]"),
        ("test-dev", WANTED, [1.0, np.nan, 3.0], r"1 predictions of test-dev are not finite, of the rows \[3\]"),
    ],
)
def test_what_cannot_be_submitted_is_refused(
    tmp_path: Path, part: str, row: list[int], y_pred: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        save_pcqm4mv2_submission(tmp_path, part, wanted=WANTED, row=row, y_pred=y_pred)
    assert not list(tmp_path.iterdir())


def test_is_the_file_of_ogb(tmp_path: Path) -> None:
    lsc = pytest.importorskip("ogb.lsc")
    y_pred = np.random.default_rng(0).normal(size=147037)
    lsc.PCQM4Mv2Evaluator().save_test_submission({"y_pred": y_pred}, str(tmp_path / "ogb"), "test-dev")
    row = np.random.default_rng(1).permutation(147037)
    ours = save_pcqm4mv2_submission(tmp_path, "test-dev", wanted=np.arange(147037), row=row, y_pred=y_pred[row])
    theirs = tmp_path / "ogb" / ours.name
    assert np.load(theirs).files == np.load(ours).files
    np.testing.assert_array_equal(np.load(theirs)["y_pred"], np.load(ours)["y_pred"])
    assert np.load(theirs)["y_pred"].dtype == np.load(ours)["y_pred"].dtype
