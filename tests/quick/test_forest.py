import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor

from pyg_moleblend.quick import forest
from pyg_moleblend.quick.forest import LEAF, Forest, fit_forest, forest_of


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(120, 6)).astype(np.float32)
    return np.hstack([values, generator.integers(0, 3, (120, 6)).astype(np.float32)])


@pytest.mark.parametrize("cls", [ExtraTreesRegressor, RandomForestRegressor])
def test_values_are_scikit_learns(rows, cls):
    y = rows[:, 0] + rows[:, 7]
    theirs = cls(7, random_state=0).fit(rows[:90], y[:90])
    assert forest_of(theirs)(rows) == pytest.approx(theirs.predict(rows), rel=1e-6, abs=1e-6)


def test_shares_of_a_class_are_scikit_learns(rows):
    y = rows[:, 0] + rows[:, 7] > 1
    theirs = RandomForestClassifier(7, random_state=0).fit(rows[:90], y[:90])
    assert forest_of(theirs, column=1)(rows) == pytest.approx(theirs.predict_proba(rows)[:, 1], abs=1e-6)


def test_a_value_on_a_threshold_goes_where_scikit_learn_sends_it(rows):
    theirs = RandomForestRegressor(5, random_state=0).fit(rows, rows[:, 0])
    edges = np.concatenate([tree.tree_.threshold[tree.tree_.feature == 0] for tree in theirs.estimators_])
    near = np.float32(edges)
    near = np.concatenate([near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))])
    on_edge = np.zeros((len(near), rows.shape[1]), dtype=np.float32)
    on_edge[:, 0] = near
    assert forest_of(theirs)(on_edge) == pytest.approx(theirs.predict(on_edge), abs=1e-6)


def test_the_seed_says_all(rows):
    y = rows[:, 0]
    one, same, other = (fit_forest(rows[:60], y[:60], "regression", seed, trees=3)(rows[60:]) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_a_sparse_matrix_is_as_good(rows, kind, monkeypatch):
    y = rows[:, 0] + rows[:, 7] - 1
    dense = fit_forest(rows[:90], y[:90], kind, 0, trees=40)(rows[90:])
    monkeypatch.setattr(forest, "SPARSE_ROWS", 10)
    found = fit_forest(rows[:90], y[:90], kind, 0, trees=40)(rows[90:])
    assert np.corrcoef(found, dense)[0, 1] > 0.95  # it draws other columns


@pytest.mark.parametrize("label", [1.0, -1.0])
def test_one_class_only(rows, label):
    grown = fit_forest(rows, np.full(len(rows), label), "classification", 0)
    assert (grown(rows) == max(label, 0)).all()
    grown.check(rows.shape[1])


def test_trees_that_would_not_end_are_refused(rows):
    grown = fit_forest(rows, rows[:, 0], "regression", 0, trees=3)
    grown.check(rows.shape[1])
    inner = int(np.flatnonzero(grown.feature != LEAF)[5])
    for damaged in (
        grown._replace(right=_with(grown.right, inner, 0)),  # back to the root
        grown._replace(right=_with(grown.right, inner, 10**6)),
        grown._replace(feature=_with(grown.feature, inner, rows.shape[1])),
        grown._replace(feature=_with(grown.feature, inner, -2)),
        grown._replace(feature=_with(grown.feature, len(grown.feature) - 1, 0)),  # the last has no child after it
        grown._replace(value=grown.value[:-1]),
        grown._replace(starts=grown.starts[:-1]),
        Forest(np.array([0]), *(values[:0] for values in grown[1:])),
    ):
        with pytest.raises(ValueError, match="damaged"):
            damaged.check(rows.shape[1])


def _with(values, place, value):
    changed = values.copy()
    changed[place] = value
    return changed
