import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, roc_auc_score

from pyg_moleblend.viz.domain import draw_error_by_similarity
from pyg_moleblend.viz.parity import draw_parity
from pyg_moleblend.viz.ranking import draw_precision_recall, draw_reliability, draw_roc, has_both_classes

DRAW = np.random.default_rng(0)
LABELS = DRAW.normal(size=40)


def axis():
    return Figure().subplots()


def legend(of) -> list[str]:
    return [text.get_text() for text in of.get_legend().get_texts()]


def test_parity_has_the_errors_and_the_unit():
    where = axis()
    draw_parity(where, {"test": (LABELS, LABELS + 0.5), "valid": (LABELS, LABELS)}, "eV")
    assert legend(where) == ["test: RMSE 0.5", "valid: RMSE 0"]
    assert where.get_xlabel() == "label [eV]"


def test_curves_have_their_areas():
    labels, predictions = (LABELS > 0).astype(float), LABELS + DRAW.normal(size=40)
    for draw, name, area in (
        (draw_roc, "ROC-AUC", roc_auc_score),
        (draw_precision_recall, "PR-AUC", average_precision_score),
    ):
        where = axis()
        draw(where, {"test": (labels, predictions)})
        assert legend(where) == [f"test: {name} {area(labels, predictions):.3f}"]
    assert has_both_classes(labels)
    assert not has_both_classes(labels[labels > 0])


def test_probabilities_that_come_true_lie_on_the_diagonal():
    where, predictions = axis(), np.repeat([0.25, 0.75], 400)
    labels = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0]).astype(float)
    draw_reliability(where, {"test": (labels, predictions)}, bins=2)
    said, true = where.lines[0].get_data()
    assert list(true) == list(said) == [0.25, 0.75]


def test_errors_are_averaged_by_similarity():
    where, similarity = axis(), np.linspace(0, 1, 60)
    draw_error_by_similarity(where, {"test": (similarity, 1 - similarity)})
    said, error = where.lines[0].get_data()
    assert len(said) == 6
    assert list(error) == pytest.approx([1 - value for value in said])
