import numpy as np
import pytest
from matplotlib.figure import Figure

from pyg_moleblend.viz.domain import draw_error_by_similarity


def test_errors_are_averaged_by_similarity():
    where, similarity = Figure().subplots(), np.linspace(0, 1, 60)
    draw_error_by_similarity(where, {"test": (similarity, 1 - similarity)})
    said, error = where.lines[0].get_data()
    assert len(said) == 6
    assert list(error) == pytest.approx([1 - value for value in said])


def test_a_part_of_few_molecules_has_fewer_means():
    where = Figure().subplots()
    draw_error_by_similarity(where, {"valid": (np.array([0.9, 0.1]), np.array([1.0, 3.0]))}, "eV")
    assert [list(values) for values in where.lines[0].get_data()] == [[0.1, 0.9], [3.0, 1.0]]
    assert where.get_ylabel() == "absolute error [eV]"
