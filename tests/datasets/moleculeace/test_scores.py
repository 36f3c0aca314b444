import math

import numpy as np
import pytest
import torch
from sklearn.metrics import root_mean_squared_error

from pyg_moleblend.datasets.moleculeace import evaluate


def test_scores_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    y_true, y_pred, cliff = rng.normal(7, 1, 50), rng.normal(7, 1, 50), rng.random(50) < 0.4
    scores = evaluate(y_true=torch.from_numpy(y_true)[:, None], y_pred=y_pred, cliff=torch.from_numpy(cliff))
    assert scores.rmse == pytest.approx(root_mean_squared_error(y_true, y_pred), abs=1e-12)
    on_cliff = [(a - b) ** 2 for a, b, mark in zip(y_true, y_pred, cliff, strict=True) if mark]
    assert scores.rmse_cliff == pytest.approx(math.sqrt(sum(on_cliff) / len(on_cliff)), abs=1e-12)
    assert (scores.num_molecules, scores.num_cliff) == (50, len(on_cliff))
    assert str(scores).endswith(f"({len(on_cliff)} molecules)")
    # The unit of concentration does not matter.
    shifted = evaluate(y_true=y_true - 9, y_pred=y_pred - 9, cliff=cliff.tolist())
    assert shifted == pytest.approx(scores, abs=1e-12)


def test_without_a_cliff_there_is_no_second_score():
    scores = evaluate(y_true=[1.0, 2.0], y_pred=[1.0, 2.5], cliff=[False, False])
    assert math.isnan(scores.rmse_cliff)
    assert scores.num_cliff == 0


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="of the same molecules, got 2, 2 and 1 of them"):
        evaluate(y_true=[1.0, 2.0], y_pred=[1.0, 2.0], cliff=[True])
    with pytest.raises(ValueError, match=r"\[M\] or \[M, 1\], got shape \[2, 2\]"):
        evaluate(y_true=np.zeros((2, 2)), y_pred=np.zeros((2, 2)), cliff=[True, False])
    with pytest.raises(ValueError, match="have no finite prediction"):
        evaluate(y_true=[1.0], y_pred=[math.nan], cliff=[True])
