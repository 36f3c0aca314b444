import pickle

import numpy as np
import pandas as pd
import pytest
from quick_molecules import IS_RING, SMILES
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, get_scorer, roc_auc_score
from sklearn.model_selection import cross_val_score

from pyg_moleblend.estimators import MoleBlendClassifier
from pyg_moleblend.training import Schedule

X, RING = SMILES[::4], IS_RING[::4]  # 30, 8 of them chains
Y = np.where(RING, "ring", "chain")


@pytest.fixture(scope="module")
def fitted(tiny):
    return MoleBlendClassifier(**tiny).fit(X, Y)


def test_it_learns_from_a_pretrained_encoder(tiny):
    ends_with_oxygen = np.array([text.endswith("O") for text in SMILES])
    schedule = Schedule(epochs=8, batch_size=8, learning_rate=1e-3)
    order = np.random.default_rng(0).permutation(len(SMILES))
    smiles, labels = np.array(SMILES)[order], ends_with_oxygen[order]
    model = MoleBlendClassifier(schedule=schedule, machine=tiny["machine"]).fit(smiles[:80], labels[:80])
    assert model.score(smiles[80:], labels[80:]) > 0.9


def test_labels_may_be_anything_of_two_kinds(fitted):
    assert fitted.classes_.tolist() == ["chain", "ring"]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert fitted.predict(X).tolist() == ["ring" if p > 0.5 else "chain" for p in probabilities[:, 1]]
    for ring, chain in ((True, False), (7, 3), (1.0, -1.0)):
        other = clone(fitted).fit(X, np.where(RING, ring, chain))
        assert other.classes_.tolist() == [chain, ring]
        np.testing.assert_array_equal(other.predict_proba(X), probabilities)
    categories = clone(fitted).fit(X, pd.Series(Y, dtype="category")).predict(X)
    assert categories.tolist() == fitted.predict(X).tolist()


def test_missing_labels_are_not_learnt(fitted):
    some = Y.astype(object)
    some[[0, -1]] = None, np.nan
    model = clone(fitted).fit(X, some)
    assert model.classes_.tolist() == ["chain", "ring"]
    assert model.score(X, some) == accuracy_score(Y[1:-1], model.predict(X)[1:-1])
    same = clone(fitted).fit(X, np.where([True, *[False] * 28, True], np.nan, RING))
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))


def test_several_targets(tiny):
    tasks = np.column_stack([RING, ~RING, np.arange(30) % 2]).astype(float)
    tasks[::7, 2] = np.nan
    model = MoleBlendClassifier(**tiny).fit(X, tasks)
    predicted, probabilities = model.predict(X), model.predict_proba(X)
    assert probabilities.shape == (30, 3)
    np.testing.assert_array_equal(predicted, probabilities > 0.5)
    known = ~np.isnan(tasks)
    expected = np.mean([(predicted[known[:, t], t] == tasks[known[:, t], t]).mean() for t in range(3)])
    assert model.score(X, tasks) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"must be 0, 1, or NaN .*got \[2.0\]"):
        MoleBlendClassifier(**tiny).fit(X, np.where(known, 2 * tasks, 0))


def test_what_is_no_molecule(fitted):
    with pytest.warns(UserWarning, match="row 1, 'bad'"):
        probabilities = fitted.predict_proba([X[0], "bad", X[1]])
    assert np.isnan(probabilities).tolist() == [[False, False], [True, True], [False, False]]
    np.testing.assert_allclose(probabilities[[0, 2]], fitted.predict_proba(X[:2]), rtol=1e-5)
    with pytest.raises(ValueError, match=r"row 1, 'bad'.*predict_proba, which gives NaN"):
        fitted.predict([X[0], "bad", X[1]])
    with pytest.raises(ValueError, match="row 1, 'bad'"):
        clone(fitted).fit([X[0], "bad", X[1]], [0, 1, 1])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(30) % 3, "Only binary classification is supported. The type of the target is multiclass"),
        (np.linspace(0, 1, 30), "The type of the target is continuous"),
        (["a"] * 30, r"must hold two classes, got 1 class: \['a'\]"),
        ([None] * 30, "must hold two classes|Unknown label type|Only binary"),
        (Y[:-1], "inconsistent numbers"),
    ],
)
def test_labels_are_checked(tiny, y, message):
    model = MoleBlendClassifier(**tiny)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_pickle_and_cross_validation(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))
    scores = cross_val_score(fitted, X, Y, cv=2, scoring="roc_auc", error_score="raise")
    assert ((scores >= 0) & (scores <= 1)).all()


def test_scikit_learn_scores_several_targets(tiny):
    tasks = np.column_stack([RING, np.arange(30) % 2]).astype(int)
    model = MoleBlendClassifier(**tiny).fit(X, tasks)
    expected = np.mean([roc_auc_score(tasks[:, t], model.predict_proba(X)[:, t]) for t in (0, 1)])
    assert get_scorer("roc_auc")(model, X, tasks) == pytest.approx(expected)
