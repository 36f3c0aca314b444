import pandas as pd
import pytest

from pyg_moleblend.training import study as studies
from pyg_moleblend.training.search_space import SearchSpace
from pyg_moleblend.training.study import JOURNAL_FILE, Study, Watch, check_same_study

optuna = pytest.importorskip("optuna", reason="needs the extra [tune]")

SPACE = SearchSpace.of({"learning_rate": [1e-5, 1e-1], "batch_size": [8, 16, 32]})


class Epochs:
    r"""Stands in for Lightning's trainer after an epoch."""

    def __init__(self, epoch, value):
        self.current_epoch, self.callback_metrics = epoch, {"valid/rmse": value}


def work(study, trials, values=lambda settings: [settings["learning_rate"]]):
    r"""Stands in for training."""
    rows = []
    while (claim := study.claim(trials)) is not None:
        with claim.held:
            state = "COMPLETE"
            try:
                for epoch, value in enumerate(values(claim.settings)):
                    Watch(claim.trial, "valid/rmse").on_validation_end(Epochs(epoch, value), None)
            except optuna.TrialPruned:
                state = "PRUNED"
            rows.append(study.tell(claim, state))
    return rows


def settings(study):
    return [row.settings for row in study.rows()]


def test_the_same_seed_draws_the_same_in_whatever_legs(tmp_path):
    def study(name, seed=3):
        (tmp_path / name).mkdir(exist_ok=True)
        return Study(tmp_path / name, SPACE, "min", seed, 0)

    whole, legs, other = study("whole"), study("legs"), study("other", 4)
    work(whole, 14)  # more than are drawn at random
    for count in (3, 11, 14):
        work(legs, count)
        legs = study("legs")
    work(other, 14)
    assert settings(legs) == settings(whole)
    assert settings(other) != settings(whole)
    assert len({row["learning_rate"] for row in settings(whole)}) == 14
    assert whole.best().value == min(row["learning_rate"] for row in settings(whole))


def test_what_is_at_work_is_left_and_what_was_left_is_gone_on_with(tmp_path):
    first = Study(tmp_path, SPACE, "min", 0, 0)
    claim = first.claim(1)
    claim.trial.report(0.5, 0)
    assert [row.state for row in first.rows()] == ["running"]
    claim.held.close()  # as the end of a process does
    second = Study(tmp_path, SPACE, "min", 0, 0)
    again = second.claim(1)
    assert (again.trial.number, again.settings, again.folder) == (0, claim.settings, claim.folder)
    Watch(again.trial, "valid/rmse").on_validation_end(Epochs(0, 9.0), None)  # was told before
    Watch(again.trial, "valid/rmse").on_validation_end(Epochs(1, 0.75), None)
    row = second.tell(again, "COMPLETE")
    again.held.close()
    assert (row.value, row.epochs, row.state) == (0.5, 2, "complete")
    assert second.claim(1) is None


def test_what_is_worse_than_the_median_is_pruned_after_some_epochs(tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "_STARTUP", 2)
    for mode, sign in (("min", 1), ("max", -1)):
        (tmp_path / mode).mkdir()
        given = iter([[1, 1, 1], [2, 2, 2], [9, 9, 9], [1, 1, 0]])
        study = Study(tmp_path / mode, SPACE, mode, 0, 1)
        work(study, 4, lambda _, given=given, sign=sign: [sign * value for value in next(given)])
        rows = study.rows()
        assert [row.state for row in rows] == ["complete", "complete", "pruned", "complete"]
        assert [row.epochs for row in rows] == [3, 3, 2, 3]
        assert (study.best().number, study.best().value) == (3, 0)
    table = pd.read_csv(tmp_path / "max" / "trials.csv")
    assert table["state"].tolist() == [row.state for row in rows]
    assert table["validation"].tolist() == [-1, -2, -9, 0]
    assert table[["learning_rate", "batch_size"]].to_dict("records") == settings(study)


def test_a_trial_without_a_finite_validation_has_failed(tmp_path):
    study = Study(tmp_path, SPACE, "min", 0, 0)
    rows = work(study, 2, lambda settings: [float("nan")])
    assert {(row.state, row.reason) for row in rows} == {("failed", "no epoch has a finite validation")}
    with pytest.raises(ValueError, match=r"none of the 2 trials in .* came to an end: no epoch has a finite"):
        study.best()


def test_a_line_that_was_written_in_part_is_taken_away(tmp_path):
    work(Study(tmp_path, SPACE, "min", 0, 0), 2)
    with open(tmp_path / JOURNAL_FILE, "ab") as file:
        file.write(b'{"op_code":4,"wor')
    study = Study(tmp_path, SPACE, "min", 0, 0)
    assert len(work(study, 3)) == 1
    assert len(Study(tmp_path, SPACE, "min", 0, 0).rows()) == 3


def test_another_study_is_refused_by_what_differs(tmp_path):
    check_same_study(tmp_path / "study", {"seed": 0, "space": {"ranges": {"dropout": (0.0, 0.3)}}})
    check_same_study(tmp_path / "study", {"space": {"ranges": {"dropout": [0.0, 0.3]}}, "seed": 0})
    with pytest.raises(ValueError, match=r"begun with other things: seed was 0, is 1; space.ranges.dropout was"):
        check_same_study(tmp_path / "study", {"seed": 1, "space": {"ranges": {"dropout": [0.0, 0.4]}}})
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.json").write_text("{}")
    with pytest.raises(ValueError, match="holds a run already, which is no study"):
        check_same_study(tmp_path / "run", {})
