import sys

import numpy as np
import pytest

from pyg_moleblend.metrics import Evaluator
from pyg_moleblend.metrics.ogb import ogb_evaluator


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
