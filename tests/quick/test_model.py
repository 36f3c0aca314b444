import numpy as np
import pandas as pd
import pytest
import quick_molecules
from sklearn.metrics import roc_auc_score

from pyg_moleblend.quick import QuickModel, model, training_rows
from pyg_moleblend.quick.model import OK

SMILES, SIZE, IS_RING = quick_molecules.SMILES, quick_molecules.SIZE.astype(float), quick_molecules.IS_RING
SEEN, NEW = np.arange(120) % 3 != 0, np.arange(120) % 3 == 0
KERNELS = ("svm", "gp")


def some(values, chosen):
    return [value for value, take in zip(values, chosen, strict=True) if take]


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyg_moleblend.quick.forest.fit_forest.__defaults__", (10,))
        yield


@pytest.fixture(scope="module")
def values_model():
    y = np.column_stack([10 * SIZE + 5, np.where(np.arange(120) % 4 == 1, np.nan, -SIZE)])
    return QuickModel.fit(some(SMILES, SEEN), y[SEEN], names=["ten", "minus"])


@pytest.fixture(scope="module")
def class_model():
    return QuickModel.fit(some(SMILES, SEEN), IS_RING[SEEN].astype(float))


def test_values(values_model):
    found = values_model.predict(some(SMILES, NEW))
    assert values_model.kind == "regression"
    assert np.abs(found.values[:, 0] - 10 * SIZE[NEW] - 5).mean() < 3  # they are from 35 to 135
    assert np.abs(found.values[:, 1] + SIZE[NEW]).mean() < 0.4
    assert (found.std > 0).all()


def test_classes(class_model):
    found = class_model.predict(some(SMILES, NEW))
    assert class_model.kind == "classification"
    assert roc_auc_score(IS_RING[NEW], found.values[:, 0]) > 0.99
    assert ((found.values > 0) & (found.values < 1)).all()
    assert np.isnan(found.std).all()


def test_intervals_hold_what_they_say():
    generator, inside = np.random.default_rng(0), []
    for _ in range(6):
        y, order = SIZE + generator.normal(size=120), generator.permutation(120)
        seen, new = order[:80], order[80:]
        fitted = QuickModel.fit([SMILES[row] for row in seen], y[seen], folds="random", members=["gp"])
        found = fitted.predict([SMILES[row] for row in new])
        ends = [fitted.interval(found, level) for level in (0.5, 0.9)]
        inside.append([((lower[:, 0] <= y[new]) & (y[new] <= upper[:, 0])).mean() for lower, upper in ends])
    assert np.mean(inside, axis=0) == pytest.approx([0.5, 0.9], abs=0.08)
    assert (ends[1][1] - ends[1][0] > 2).all()  # noise of one is two to either side, about
    assert np.isinf(fitted.interval(found, 0.999)[1]).all()


def test_a_strange_molecule_has_a_wider_interval(values_model):
    usual, strange = values_model.predict(["CCCCO", "[Fe+2].O=P([O-])([O-])SSc1c2ccccc2nc2ccccc12"]).std[:, 0]
    assert strange > 2 * usual


def test_rows_that_are_no_molecule(values_model):
    found = values_model.predict(["CCCO", "no", None, "CCCN"])
    alone = values_model.predict(["CCCO", "CCCN"])
    assert [failure.row for failure in found.failures] == [1, 2]
    assert np.isnan(found.values[[1, 2]]).all()
    assert found.values[[0, 3]] == pytest.approx(alone.values)
    columns = found.columns()
    assert list(columns) == ["ten", "ten_std", "minus", "minus_std", "status"]
    assert columns["status"][0] == columns["status"][3] == OK
    assert columns["status"][2] == "the value is missing"


def test_bad_rows_of_the_training_part_do_not_shift_labels():
    smiles, y = some(SMILES, SEEN), SIZE[SEEN]
    with_bad = [*smiles[:10], "oops", *smiles[10:], ""]
    labels = np.concatenate([y[:10], [1e6], y[10:], [-1e6]])
    bad = QuickModel.fit(with_bad, labels, members=KERNELS)
    good = QuickModel.fit(smiles, y, members=KERNELS)
    assert [row for row, _, _ in bad.report["failures"]] == [10, 80 + 1]
    assert bad.smiles == good.smiles
    assert np.array_equal(bad.predict(SMILES).values, good.predict(SMILES).values)


def test_a_missing_label_is_as_if_the_molecule_were_not_there():
    y = np.where(np.arange(120) % 5 == 0, np.nan, SIZE)
    known = ~np.isnan(y)
    gaps = QuickModel.fit(SMILES, y, members=["gp"], folds="random")
    assert gaps.report["targets"]["y0"]["labels"] == known.sum()
    # The scaler and the folds are those of all molecules, so the numbers are near, not equal.
    less = QuickModel.fit(some(SMILES, known), y[known], members=["gp"], folds="random")
    assert gaps.predict(SMILES).values == pytest.approx(less.predict(SMILES).values, abs=0.3)


def test_the_fit_depends_on_nothing_but_what_it_is_given():
    r"""Predictions for a molecule do not depend on what else is predicted, and what is predicted changes no model."""
    fitted = QuickModel.fit(some(SMILES, SEEN), SIZE[SEEN], members=KERNELS)
    again = QuickModel.fit(some(SMILES, SEEN), SIZE[SEEN], members=KERNELS)
    together = fitted.predict(SMILES)
    alone = np.concatenate([fitted.predict([text]).values for text in SMILES[:6]])
    assert together.values[:6] == pytest.approx(alone, abs=1e-4)
    assert np.array_equal(again.predict(SMILES).values, together.values)


def test_a_column_of_a_table_is_read_in_its_order():
    r"""As a part of a table has it, with an index that is not 0, 1, 2."""
    for index in (np.arange(120)[::-1], np.arange(120) + 7):
        column = pd.Series(SMILES, index=index)
        fitted = QuickModel.fit(column, pd.Series(SIZE, index=index), members=["gp"])
        assert fitted.smiles == SMILES
        assert np.array_equal(fitted.predict(column).values, fitted.predict(SMILES).values)


@pytest.mark.parametrize("labels", [SIZE, (SIZE > 9).astype(float)])
def test_a_target_with_labels_of_one_scaffold(labels):
    pyridines = [row for row, text in enumerate(SMILES) if "c1ccncc1" in text]
    rows = np.setdiff1d(np.arange(120), pyridines[12:])  # so few that all are in one fold
    y = np.column_stack([labels, np.where(np.isin(np.arange(120), pyridines), labels, np.nan)])[rows]
    found = QuickModel.fit([SMILES[row] for row in rows], y).predict([SMILES[row] for row in pyridines]).values
    assert np.corrcoef(found[:, 1], labels[pyridines])[0, 1] > 0.5


@pytest.mark.parametrize("labels", [SIZE, (SIZE > 9).astype(float)])
def test_a_target_with_few_labels_among_many_molecules(labels, monkeypatch):
    monkeypatch.setattr(training_rows, "EXACT_ROWS", 50)
    monkeypatch.setattr(training_rows, "LANDMARKS", 10)
    few = np.where(np.arange(120) % 13 == 2, labels, np.nan)  # none of them among ten drawn with seed 0
    found = QuickModel.fit(SMILES, np.column_stack([labels, few])).predict(SMILES)
    assert np.isfinite(found.values).all()


def test_the_seed_says_all(class_model):
    again = QuickModel.fit(some(SMILES, SEEN), IS_RING[SEEN].astype(float))
    assert np.array_equal(again.predict(SMILES).values, class_model.predict(SMILES).values)
    assert again.report["targets"] == class_model.report["targets"]


def test_an_embedding_that_knows_the_target_is_worth_something():
    generator = np.random.default_rng(0)
    y = generator.normal(size=120)  # no descriptor knows it
    embedding = np.column_stack([y, generator.normal(size=120)])
    fitted = QuickModel.fit(
        some(SMILES, SEEN), y[SEEN], extra={"embedding": embedding[SEEN]}, members=["gp"], folds="random"
    )
    report = fitted.report["targets"]["y0"]
    names = {"embedding", "embedding_linear", "descriptors", "descriptors_linear"}
    assert names < set(report["kernels"]) == set(report["without"]) - {"nothing"}
    assert report["kernels"]["embedding"] + report["kernels"]["embedding_linear"] > 0.5
    assert report["score"] < 0.6
    assert max(report["without"][name] for name in ("embedding", "embedding_linear")) > report["without"]["nothing"]
    found = fitted.predict(some(SMILES, NEW), extra={"embedding": embedding[NEW]})
    assert np.corrcoef(found.values[:, 0], y[NEW])[0, 1] > 0.8
    with pytest.raises(ValueError, match="fitted with `embedding`"):
        fitted.predict(SMILES)
    with pytest.raises(ValueError, match="has 3 columns, in the fit it had 2"):
        fitted.predict(SMILES, extra={"embedding": np.zeros((120, 3))})


def test_other_numbers_and_gaps_in_them(values_model):
    numbers = np.where(np.arange(120)[:, None] % 7 == 0, np.nan, SIZE[:, None])
    fitted = QuickModel.fit(SMILES, SIZE, extra={"numbers": numbers}, members=["gp"])
    assert "numbers_linear" in fitted.report["targets"]["y0"]["kernels"]
    assert np.isfinite(fitted.predict(SMILES[:3], extra={"numbers": [[np.nan], [3.0], [5.0]]}).values).all()
    with pytest.raises(ValueError, match="fitted without `numbers`"):
        values_model.predict(SMILES[:1], extra={"numbers": [[1.0]]})


@pytest.mark.parametrize("labels", [SIZE, IS_RING.astype(float)])
def test_more_molecules_than_a_kernel_matrix_can_have(labels, monkeypatch):
    monkeypatch.setattr(training_rows, "EXACT_ROWS", 50)
    monkeypatch.setattr(training_rows, "LANDMARKS", 40)
    y = np.column_stack([labels, np.where(np.arange(120) % 3 == 1, np.nan, labels)])
    fitted = QuickModel.fit(some(SMILES, SEEN), y[SEEN])
    assert fitted.report["reference"] == len(fitted.smiles) == 40
    members = fitted.report["targets"]["y0"]["members"]
    assert {"nystroem", "forest"} <= set(members)
    found = fitted.predict(some(SMILES, NEW)).values
    for place in range(2):
        assert np.corrcoef(found[:, place], labels[NEW])[0, 1] > 0.9


def test_the_report_is_json_and_says_what_was_chosen(values_model):
    import json

    report = json.loads(json.dumps(values_model.report))
    assert report["molecules"] == SEEN.sum()
    for target in report["targets"].values():
        assert target["members"][target["chosen"]] == target["score"] <= 1.01 * min(target["members"].values())
        assert sum(target["kernels"].values()) == pytest.approx(1, abs=1e-3)


def test_what_is_refused(values_model, class_model):
    smiles = SMILES[:20]
    for arguments, message in (
        ({"y": np.zeros(19)}, r"`y` must be \[20\]"),
        ({"y": np.full(20, np.inf)}, "float32 can hold"),
        ({"y": np.arange(20.0), "names": ["a", "b"]}, "1 different names"),
        ({"y": np.arange(20.0), "kind": "classification"}, "0 or 1"),
        ({"y": np.arange(20.0), "kind": "ranking"}, "`kind`"),
        ({"y": np.arange(20.0), "members": ["boosting"]}, "`members`"),
        ({"y": np.arange(20.0), "members": []}, "`members`"),
        ({"y": np.arange(20.0), "folds": "cluster"}, "`folds`"),
        ({"y": np.where(np.arange(20) < 7, 1.5, np.nan)}, "labels of 7 different molecules"),
        ({"y": np.eye(20)[0]}, "two different molecules of each class"),
        ({"y": np.arange(20.0) * 1e200}, "float32 can hold"),
        ({"y": np.arange(20.0), "seed": -1}, "`seed`"),
    ):
        with pytest.raises(ValueError, match=message):
            QuickModel.fit(smiles, **arguments)
    with pytest.raises(ValueError, match="labels of 4 different molecules"):
        QuickModel.fit([*SMILES[:4] * 4], np.arange(16.0))
    with pytest.raises(ValueError, match=r"give \['CCCCCCCC'\]"):
        QuickModel.fit("CCCCCCCC", np.arange(8.0))
    with pytest.raises(ValueError, match=r"give \['CCO'\]"):
        values_model.predict("CCO")
    with pytest.raises(ValueError, match="probabilities, not intervals"):
        class_model.interval(class_model.predict(["C"]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        values_model.interval(values_model.predict(["C"]), level=95)


def test_no_molecules_to_predict(values_model):
    assert values_model.predict([]).values.shape == (0, 2)
    assert np.isnan(values_model.predict(["oops"]).values).all()
    assert model.QuickPrediction._fields == ("names", "values", "std", "similarity", "failures")
