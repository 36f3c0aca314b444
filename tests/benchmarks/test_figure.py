import json

import numpy as np
import pytest

from benchmarks import figure
from pyg_moleblend.datasets.moleculeace import TARGETS


@pytest.fixture
def results(tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    values = {name: draw.random((len(TARGETS), 2, 2)) for name in figure.OURS}
    for name, of in values.items():
        for target, seeds in zip(TARGETS, of, strict=True):
            runs = [{"value": all_of, "cliff_value": cliffs} for all_of, cliffs in seeds]
            (tmp_path / f"{name}_{target}.json").write_text(json.dumps({"cells": [{"runs": runs}]}))
    monkeypatch.setattr(figure, "RESULTS", tmp_path)
    return values


def test_means_are_over_seeds_and_targets(results):
    for name, values in results.items():
        assert figure.means(name) == pytest.approx(tuple(values.mean((0, 1))))


def test_the_figure_has_a_row_each_the_best_on_top(results, tmp_path):
    axis = figure.draw().axes[0]
    places = {label.get_text(): place for place, label in enumerate(axis.get_yticklabels())}
    assert len(places) == len(figure.OURS) + len(figure.PUBLISHED)
    assert places["CheMeleon (published)"] > places["Chemprop (published)"]
    figure.main([str(tmp_path / "a.svg")])
    figure.main([str(tmp_path / "b.svg")])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
