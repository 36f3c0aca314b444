import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, roc_auc_score

from pyg_moleblend.viz.ranking import draw_precision_recall, draw_reliability, draw_roc, has_both_classes


def axis():
    return Figure().subplots()


def test_curves_have_their_areas():
    draw = np.random.default_rng(0)
    truth = draw.normal(size=40)
    labels, predictions = (truth > 0).astype(float), truth + draw.normal(size=40)
    for curve, name, area in (
        (draw_roc, "ROC-AUC", roc_auc_score),
        (draw_precision_recall, "PR-AUC", average_precision_score),
    ):
        where = axis()
        curve(where, {"test": (labels, predictions)})
        assert [text.get_text() for text in where.get_legend().get_texts()] == [
            f"test: {name} {area(labels, predictions):.3f}"
        ]
    assert has_both_classes(labels)
    assert not has_both_classes(labels[labels > 0])


def test_probabilities_that_come_true_lie_on_the_diagonal():
    where, predictions = axis(), np.repeat([0.25, 0.75], 400)
    labels = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0]).astype(float)
    draw_reliability(where, {"test": (labels, predictions)}, bins=2)
    said, true = where.lines[0].get_data()
    assert list(true) == list(said) == [0.25, 0.75]
