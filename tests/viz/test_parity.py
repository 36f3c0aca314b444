import numpy as np
from matplotlib.figure import Figure

from pyg_moleblend.viz.parity import draw_parity


def test_parity_has_the_errors_and_the_unit():
    where, labels = Figure().subplots(), np.random.default_rng(0).normal(size=40)
    draw_parity(where, {"test": (labels, labels + 0.5), "valid": (labels, labels)}, "eV")
    assert [text.get_text() for text in where.get_legend().get_texts()] == ["test: RMSE 0.5", "valid: RMSE 0"]
    assert where.get_xlabel() == "label [eV]"
