import numpy as np
import pytest
from scipy.stats import rankdata

from pyg_moleblend.quick.combination import Combination, choose_combination


@pytest.fixture
def values():
    generator = np.random.default_rng(0)
    truth = generator.random(200)
    good = {name: 0.5 * truth + 0.5 * generator.random(200) for name in ("a", "b")}
    return truth, {**good, "noise": generator.random(200)}


def test_two_that_err_apart_are_better_together(values):
    truth, found = values
    combination, errors = choose_combination(found, ("value",), lambda v: float(np.square(v - truth).mean()))
    assert list(combination.tables) == ["a", "b"]
    assert errors.keys() == {"a", "b", "noise", "a + b", "a + noise", "b + noise", "a + b + noise"}
    assert errors["a + b"] == min(errors.values())
    assert combination(found) == pytest.approx((found["a"] + found["b"]) / 2)


def test_more_models_are_taken_where_they_are_nearly_as_good():
    found = {"a": np.zeros(3), "b": np.ones(3)}
    combination, _ = choose_combination(found, ("value",), lambda v: {0: 1.0, 1: 1.2, 0.5: 1.005}[v[0]])
    assert list(combination.tables) == ["a", "b"]
    combination, _ = choose_combination(found, ("value",), lambda v: {0: 1.0, 1: 1.2, 0.5: 1.02}[v[0]])
    assert list(combination.tables) == ["a"]


def test_ranks(values):
    truth, found = values
    tables = {name: np.sort(found[name]) for name in ("a", "b")}
    combined = Combination("rank", tables)(found)
    wanted = (rankdata(found["a"]) + rankdata(found["b"]) - 1) / (2 * len(truth))
    assert combined == pytest.approx(wanted)
    # Only the order counts.
    assert Combination("rank", {**tables, "a": tables["a"] ** 3})({**found, "a": found["a"] ** 3}) == (
        pytest.approx(combined)
    )


def test_new_values_have_ranks_among_the_old():
    combination = Combination("rank", {"a": np.array([0.1, 0.2, 0.2, 0.4])})
    assert combination({"a": np.array([0.0, 0.2, 0.3, 1.0])}) == pytest.approx([0.0, 0.5, 0.6875, 1.0])


def test_different_values_have_different_ranks():
    combination = Combination("rank", {"a": np.array([0.1, 0.2, 0.4])})
    assert (np.diff(combination({"a": np.linspace(0, 1, 101)})) > 0).all()


def test_one_model_is_itself(values):
    _, found = values
    combination, errors = choose_combination({"a": found["a"]}, ("rank", "value"), lambda v: 0.5)
    assert errors == {"a": 0.5}
    assert (combination({"a": np.array([0.0, 0.3, 0.9])}) == [0.0, 0.3, 0.9]).all()
    assert list(combination.tables) == ["a"]
