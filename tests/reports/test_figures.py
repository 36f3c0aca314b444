from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from pyg_moleblend.reports.figures import learning_curves, target_figures

PARITY, DOMAIN = "Predicted and true", "Errors where the model knows little"


def known(labels) -> pd.DataFrame:
    half = len(labels) // 2
    predictions = np.linspace(0.1, 0.9, len(labels))
    return pd.DataFrame({"part": ["valid"] * half + ["test"] * half, "label": labels, "prediction": predictions})


def texts(svg: str) -> list[str]:
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]


def test_a_regression_has_parity_and_errors_by_similarity():
    rows = known(np.linspace(0, 1, 20))
    assert list(target_figures(rows, "regression", "eV")) == [PARITY]
    found = target_figures(rows.assign(similarity=np.linspace(0, 1, 20)), "regression", "eV")
    assert list(found) == [PARITY, DOMAIN]
    assert "label [eV]" in texts(found[PARITY])
    assert "absolute error [eV]" in texts(found[DOMAIN])


def test_a_classification_has_curves_where_there_is_something_to_rank():
    labels = np.array([0.0, 1.0] * 10)
    assert len(target_figures(known(labels), "classification", "")) == 3
    one_class = np.concatenate([labels[:10], np.ones(10)])
    found = target_figures(known(one_class), "classification", "")
    assert any(text.startswith("valid: ROC-AUC") for text in texts(found["Ranking"]))
    assert not any(text.startswith("test:") for text in texts(found["Ranking"]))
    assert target_figures(known(np.ones(20)), "classification", "") == {}


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_without_labels_there_is_no_figure(kind):
    assert target_figures(known(np.empty(0)), kind, "") == {}


def test_a_course_that_went_on_is_one_curve(tmp_path):
    for version, epochs in ((0, [0, 1]), (1, [1, 2])):
        folder = tmp_path / "csv" / f"version_{version}"
        folder.mkdir(parents=True)
        losses = [1.0 / (1 + epoch) for epoch in epochs]
        pd.DataFrame({"epoch": epochs, "train/loss": losses}).to_csv(folder / "metrics.csv", index=False)
    found = learning_curves(tmp_path)
    assert list(found) == ["Course of loss"]
    assert {"epoch", "loss", "train"} <= set(texts(found["Course of loss"]))
    assert learning_curves(tmp_path / "csv") == {}
