import json

import pandas as pd
import pytest
import torch

from pyg_moleblend.checkpoints import from_pretrained, read_metadata
from pyg_moleblend.cli import main
from pyg_moleblend.datasets import MoleculeShards, MoleculeTable
from pyg_moleblend.inference import embed, evaluate, predict
from pyg_moleblend.metrics import Task


@pytest.fixture
def finetune(table, tmp_path, quiet_words):
    def run(*words, out="run"):
        common = ["--data", table, "--out", tmp_path / out, "--schedule.epochs", "2", *quiet_words]
        assert main([str(word) for word in ("finetune", *common, *words)]) == 0
        return tmp_path / out

    return run


def test_from_a_pretrained_model_to_predictions(finetune, pretrained_model, table, capsys):
    words = ["--encoder", pretrained_model, "--targets", "gap", "--split", "column:part"]
    out = finetune(*words)
    captured = capsys.readouterr()
    assert "split: column:part (5 train, 3 valid, 3 test;" in captured.err
    assert captured.out.splitlines()[1].startswith("test: rmse ")
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["metric"], metrics["modality"]) == ("rmse", "2d")

    assert main(["evaluate", str(out / "model"), str(table), "--split", "column:part", "--part", "test"]) == 0
    assert json.loads(capsys.readouterr().out) == metrics["test"]
    saved = ["--split", str(out / "split.json"), "--part", "valid"]
    assert main(["evaluate", str(out / "model"), str(table), *saved]) == 0
    assert json.loads(capsys.readouterr().out) == metrics["valid"]
    assert main(["predict", str(out / "model"), str(table), "--out", str(out / "predictions.csv")]) == 0
    assert pd.read_csv(out / "predictions.csv")["gap"].notna().sum() == 11


def test_from_random_weights(finetune, tiny_words):
    out = finetune("--targets", "[gap]", "--metric", "mae", "--patience", "1", *tiny_words)
    assert json.loads((out / "metrics.json").read_text())["metric"] == "mae"
    assert "random 0.8/0.1/0.1 seed 0" in json.loads((out / "metrics.json").read_text())["split"]


def test_errors_are_one_line(table, tmp_path, pretrained_model, tiny_words, refused):
    def line(*words):
        return refused("finetune", "--data", table, "--out", tmp_path / "run", *words)

    assert "the molecules have no targets" in line(*tiny_words)
    assert "the table has no column 'energy'; its columns are" in line("--targets", "energy", *tiny_words)
    assert "give either `encoder`" in line("--encoder", pretrained_model, *tiny_words)
    assert "unknown split 'skaffold'" in line("--targets", "gap", "--split", "skaffold", *tiny_words)
    assert "no column 'fold'" in line("--targets", "gap", "--split", "column:fold", *tiny_words)
    assert "got 'rocauc'" in line("--targets", "gap", "--metric", "rocauc", *tiny_words)


def test_several_seeds(finetune, table, tiny_words, quiet_words, capsys):
    words = ["--targets", "gap", "--split", "column:part", "--seeds", "2", "--seed", "5", *tiny_words]
    out = finetune(*words)
    assert "test: rmse" in (printed := capsys.readouterr().out)
    assert "(2 seeds)" in printed
    summary = json.loads((out / "summary.json").read_text())
    runs = [json.loads((out / f"seed-{seed}" / "metrics.json").read_text()) for seed in (5, 6)]
    assert summary["members"] == ["seed-5", "seed-6"]
    assert summary["test"]["rmse"]["values"] == [run["test"]["rmse"] for run in runs]
    assert runs[0]["test"]["rmse"] != runs[1]["test"]["rmse"]

    saved = ["--split", str(out / "seed-6" / "split.json"), "--part", "test"]
    assert main(["evaluate", str(out), str(table), *saved]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["summary"] == summary["test"]
    assert list(evaluated["models"]) == [str(out / "seed-5" / "model"), str(out / "seed-6" / "model")]
    config = (out / "config.yaml").read_text()
    again = ["--data", str(table), "--out", str(out), "--patience", "7", *words, *quiet_words]
    assert main(["finetune", *map(str, again)]) == 2
    assert "seed-5 holds a run already" in capsys.readouterr().err
    assert (out / "config.yaml").read_text() == config
    single = out / "seed-5"  # a run of its own, among which none of several seeds are put
    files = {path: path.read_bytes() for path in single.glob("*.*")}
    assert main(["finetune", *map(str, ["--data", table, "--out", single, *words, *quiet_words])]) == 2
    assert f"{single} holds a run already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in single.glob("*.*")} == files


def test_a_cross_validation_tests_every_molecule_once(finetune, table, tiny_words, capsys, refused):
    out = finetune("--targets", "gap", "--split", "folds:3", *tiny_words)
    assert "(3 folds)" in capsys.readouterr().out
    summary = json.loads((out / "summary.json").read_text())
    assert summary["members"] == ["fold-1", "fold-2", "fold-3"]
    assert len(summary["test"]["rmse"]["values"]) == 3
    told = pd.concat(pd.read_csv(out / fold / "predictions.csv") for fold in summary["members"])
    tested = told["row"][told["part"] == "test"]
    assert sorted(tested) == [row for row in range(12) if row != 4]  # the bad one
    assert main(["predict", str(out), "CCO"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    single = predict(out / "fold-2" / "model", ["CCO"], device="cpu")["gap"][0]
    mean = sum(predict(out / fold / "model", ["CCO"], device="cpu")["gap"][0] for fold in summary["members"]) / 3
    assert float(row.split(",")[header.split(",").index("gap")]) == pytest.approx(mean, rel=1e-4)
    assert single != pytest.approx(mean, rel=1e-4)

    assert "were trained on different splits" in refused("evaluate", out, table, "--part", "test")
    own = ["--part", "test", "--split", str(out / "fold-2" / "split.json")]
    assert main(["evaluate", str(out / "fold-2"), str(table), *own]) == 0
    score = json.loads(capsys.readouterr().out)["rmse"]
    assert score == pytest.approx(summary["test"]["rmse"]["values"][1], rel=1e-5)

    words = ["finetune", "--data", table, "--out", out, "--targets", "gap", *tiny_words]
    assert "fold-1 holds a run already" in refused(*words, "--split", "folds:3")
    assert "a cross-validation has one seed" in refused(*words, "--split", "folds:3", "--seeds", "2")
    assert "a cross-validation, which finetune makes" in refused("check", table, "--split", "folds:3")


@pytest.mark.parametrize(
    ("labels", "kind"), [("0,1,0,0,0,0,0,0,0,0,0,1", "classification"), ("1,1,1,1,1,1,1,1,2,1,3,1", "regression")]
)
def test_a_fold_may_lack_a_label(labels, kind, table, tmp_path, tiny_words, capsys):
    frame = pd.read_csv(table)
    frame["rare"] = labels.split(",")
    frame.to_csv(tmp_path / "rare.csv", index=False)
    words = ["--data", str(tmp_path / "rare.csv"), "--out", str(tmp_path / "run"), "--schedule.epochs", "1"]
    assert main(["finetune", *words, "--targets", "rare", "--split", "folds:4", *tiny_words]) == 0
    assert "(4 folds)" in capsys.readouterr().out
    tasks = [read_metadata(tmp_path / "run" / f"fold-{number}")["task"]["kind"] for number in range(1, 5)]
    assert tasks == [kind] * 4


def test_predictions_have_the_hydrogens_and_the_conformers_of_the_training(finetune, table, tmp_path, tiny_words):
    shards = tmp_path / "shards"
    words = ["--hydrogens", "add", "--targets", "gap", "--conformers", "1", "--optimize", "--seed", "3"]
    assert main(["prepare", str(table), "--out", str(shards), "--num-workers", "0", *words]) == 0
    out = finetune("--data", shards, "--split", "random", *tiny_words)
    model = out / "model"

    predictions = tmp_path / "predictions.csv"
    assert main(["predict", str(model), str(table), "--out", str(predictions), "--num-workers", "0"]) == 0
    rows = MoleculeShards(shards).row.tolist()
    task = Task.from_dict(read_metadata(model)["task"])
    with torch.no_grad():
        expected = [float(task.restore(from_pretrained(model)(data))) for data in MoleculeShards(shards)]
    assert pd.read_csv(predictions)["gap"][rows].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-5)

    for data in (table, shards):
        assert main(["evaluate", str(model), str(data)]) == 0
    other = MoleculeTable(table, targets=["gap"], on_error="keep", progress=False)
    for verb in (predict, evaluate, embed):
        with pytest.raises(ValueError, match="learnt from molecules with hydrogens='add', and these have"):
            verb(model, other)
    again = finetune("--encoder", model, "--targets", "gap", out="again")
    assert read_metadata(again / "model")["recipe"]["hydrogens"] == "add"


def test_conformers_that_are_not_looked_at_are_refused(table, tmp_path, refused):
    words = ["finetune", "--data", table, "--out", tmp_path / "run", "--targets", "gap", "--conformers", "1"]
    assert "--conformers 1 is of no use to the modality '2d'" in refused(*words, "--modality", "2d")


def test_weights_are_of_a_column_and_of_targets(finetune, table, tmp_path, tiny_words, refused, capsys):
    frame = pd.read_csv(table)
    frame["w"] = [2.0 if part == "train" else None for part in frame["part"]]
    weighed = tmp_path / "weighed.csv"
    frame.to_csv(weighed, index=False)
    words = ["--targets", "gap", "--split", "column:part", *tiny_words]
    plain = finetune(*words, out="plain")
    run = finetune("--data", weighed, "--weight-column", "w", "--task-weights", "[3]", *words, out="run")
    tests = [json.loads((out / "metrics.json").read_text())["test"] for out in (plain, run)]
    assert tests[0] == tests[1]  # all weigh alike

    row = frame.index[frame["part"] == "train"][1]
    frame.loc[row, "w"] = None
    frame.to_csv(weighed, index=False)
    capsys.readouterr()
    words = ["finetune", "--data", weighed, "--out", tmp_path / "other", *words]
    assert f"row {row} has no weight" in refused(*words, "--weight-column", "w")
    assert "the table has no column 'v'" in refused(*words, "--weight-column", "v")
    assert "a weight for each of ['gap'], got [1.0, 2.0]" in refused(*words, "--task-weights", "[1, 2]")
    assert "leave the balance out of a regression" in refused(*words, "--class-balance")


def test_bounds_are_read_where_they_are_said_to_be(finetune, table, tmp_path, tiny_words, capsys, refused):
    frame = pd.read_csv(table, dtype={"gap": str})
    frame.loc[frame.index[-2:], "gap"] = [">9", "<=1"]
    censored = tmp_path / "censored.csv"
    frame.to_csv(censored, index=False)
    words = ["--data", censored, "--targets", "gap", "--split", "column:part", *tiny_words]
    out = finetune(*words, "--censored")
    capsys.readouterr()
    assert main(["evaluate", str(out), str(censored), "--censored"]) == 0
    assert json.loads(capsys.readouterr().out)["censored_labels"] == 2
    message = refused("finetune", *words, "--out", tmp_path / "other")
    assert "moleblend finetune --censored learns from bounds" in message
    shards = tmp_path / "shards"
    assert main(["prepare", str(table), "--out", str(shards), "--num-workers", "0", "--targets", "gap"]) == 0
    capsys.readouterr()
    message = refused("finetune", "--data", shards, "--out", tmp_path / "other", "--censored", *tiny_words)
    assert "--censored is of a table, and" in message
    message = refused("finetune", "--data", shards, "--out", tmp_path / "other", "--weight-column", "w", *tiny_words)
    assert "--weight-column w is of a table, and these molecules come from none" in message


def test_a_criterion_is_named(finetune, table, tmp_path, tiny_words, refused, capsys):
    named = "{component: Gaussian}"
    out = finetune("--targets", "gap", "--split", "column:part", "--criterion", named, *tiny_words)
    assert "nll" in json.loads((out / "metrics.json").read_text())["test"]
    assert main(["predict", str(out), "CCO", "--out", str(tmp_path / "predictions.csv")]) == 0
    assert {"gap", "gap_std"} <= set(pd.read_csv(tmp_path / "predictions.csv"))
    capsys.readouterr()
    words = ["finetune", "--data", table, "--out", tmp_path / "other", "--targets", "gap", *tiny_words]
    assert "criterion needs the component 'gausian'" in refused(*words, "--criterion", "gausian")
    assert "the criterion must be a Criterion" in refused(
        *words, "--criterion", "{component: GraphTokenReadout, arguments: {channels: 16}}"
    )
