import json

import pandas as pd
import pytest
import torch

from pyg_moleblend import training
from pyg_moleblend.checkpoints import from_pretrained, read_metadata, save_pretrained
from pyg_moleblend.components import describe
from pyg_moleblend.inference import evaluate
from pyg_moleblend.metrics import Evaluator, Task
from pyg_moleblend.metrics.task import scores
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining
from pyg_moleblend.nn import MAE, Evidential, Focal, Gaussian, Huber, Quantile
from pyg_moleblend.splits import Split, random_split
from pyg_moleblend.training import LabelWeights, Schedule, finetune, load_encoder

SPLIT = random_split(14, (0.6, 0.2, 0.2))


def test_the_best_epoch_is_tested_in_the_targets_units(molecules, config, machine, tmp_path):
    schedule = Schedule(epochs=4, batch_size=4, learning_rate=5e-3)
    run = finetune(molecules, SPLIT, tmp_path, config, ["size", "twice"], schedule=schedule, machine=machine)

    metadata = read_metadata(run.model_folder)
    task = Task.from_dict(metadata["task"])
    labels = torch.cat([molecules[i].y for i in SPLIT.train.tolist()])
    assert task == Task.from_labels(labels, ["size", "twice"])
    assert metadata["modality"] == "2d+3d"
    assert metadata["split"] == run.metrics["split"] == str(SPLIT)
    assert Split.load(tmp_path / "split.json").hash == SPLIT.hash

    model = from_pretrained(run.model_folder)
    with torch.no_grad():
        predictions = torch.cat([task.restore(model(molecules[i])) for i in SPLIT.test.tolist()])
    labels = torch.cat([molecules[i].y for i in SPLIT.test.tolist()])
    for metric in ("rmse", "mae"):
        expected = Evaluator(metric)(y_true=labels, y_pred=predictions)
        assert run.metrics["test"][metric] == pytest.approx(expected.value, rel=1e-4)
        per_task = dict(zip(task.names, expected.per_task, strict=True))
        assert run.metrics["test"][f"{metric}_per_task"] == pytest.approx(per_task, rel=1e-4)
    assert json.loads((tmp_path / "metrics.json").read_text())["test"]["rmse"] == run.metrics["test"]["rmse"]

    test = [molecules[i] for i in SPLIT.test.tolist()]
    again = evaluate(run.model_folder, test, device="cpu")
    assert again == run.metrics["test"]


def test_the_saved_model_is_the_best_by_validation(molecules, config, machine, tmp_path, monkeypatch):
    measured = []

    def judge(task, labels, predictions, metrics):
        r"""As if the first epoch of three were the best."""
        found = scores(task, labels, predictions, metrics)
        measured.append(found["rmse"].value)
        return {**found, "rmse": found["rmse"]._replace(value=[1.0, 3.0, 2.0][len(measured) - 1])}

    monkeypatch.setattr(training.property, "scores", judge)
    schedule = Schedule(epochs=3, batch_size=4, learning_rate=0.2)
    run = finetune(molecules, SPLIT, tmp_path, config, schedule=schedule, machine=machine)
    assert logged(tmp_path, "valid/rmse") == [1, 3, 2]
    assert measured[0] != pytest.approx(measured[2], rel=1e-3)
    assert run.metrics["valid"]["rmse"] == pytest.approx(measured[0], rel=1e-5)


@pytest.mark.parametrize("criterion", [MAE(), Huber(0.5), Quantile(0.8), Gaussian(), Evidential()], ids=repr)
def test_a_criterion_is_trained_by_saved_and_scored(molecules, config, machine, tmp_path, criterion):
    schedule = Schedule(epochs=3, batch_size=4, learning_rate=5e-3)
    run = finetune(
        molecules, SPLIT, tmp_path, config, ["size", "twice"], schedule=schedule, machine=machine, criterion=criterion
    )
    losses = logged(tmp_path, "train/loss")
    assert losses[-1] < losses[0]
    model = from_pretrained(run.model_folder)
    assert describe(model.criterion) == describe(criterion)
    test = run.metrics["test"]
    assert {"nll", "crps"} <= test.keys() if criterion.knows_std else not {"nll", "crps"} & test.keys()
    again = evaluate(run.model_folder, [molecules[i] for i in SPLIT.test.tolist()], device="cpu")
    assert again == {name: value for name, value in test.items() if name != "intervals"}


def test_weights_are_those_of_training_molecules(molecules, config, machine, tmp_path):
    r"""Molecules that weigh nothing teach nothing: their labels may be exchanged."""
    weights = torch.ones(14)
    silent = SPLIT.train[::2].tolist()
    weights[silent] = 0.0
    weights[SPLIT.test] = torch.nan  # not looked at
    damaged = [data.clone() for data in molecules]
    for number, other in zip(silent, silent[1:] + silent[:1], strict=True):
        damaged[number].y[0, 0] = molecules[other].y[0, 0]
    schedule = Schedule(epochs=2, batch_size=4)

    def trained(molecules, folder, weights):
        task = {"schedule": schedule, "machine": machine, "weights": weights}
        return finetune(molecules, SPLIT, tmp_path / folder, config, **task).model.state_dict()

    whole = trained(molecules, "plain", None)
    weighed = trained(molecules, "weighed", LabelWeights(weights))
    same = trained(damaged, "damaged", LabelWeights(weights.tolist()))
    for name, value in weighed.items():
        torch.testing.assert_close(value, same[name], rtol=1e-5, atol=1e-6)
    assert any(not torch.allclose(value, whole[name], rtol=1e-3, atol=1e-4) for name, value in weighed.items())
    with pytest.raises(ValueError, match="weights"):
        finetune(molecules, SPLIT, tmp_path / "weighed", config, schedule=schedule, machine=machine, resume=True)


def test_bounds_are_learnt_from_and_not_scored(molecules, config, machine, tmp_path):
    censored = [data.clone() for data in molecules]
    for number, data in enumerate(censored):
        data.label_side = torch.zeros(1, 2, dtype=torch.int8)
        if number % 2:
            data.y[0, 0], data.label_side[0, 0] = 100.0, 1
    schedule = Schedule(epochs=2, batch_size=4)

    def trained(folder, molecules, criterion):
        return finetune(
            molecules, SPLIT, tmp_path / folder, config, schedule=schedule, machine=machine, criterion=criterion
        )

    run = trained("bounds", censored, Gaussian())
    test = [i for i in SPLIT.test.tolist() if not i % 2]
    assert run.metrics["test"]["censored_labels"] == len(SPLIT.test) - len(test)
    exact = Task.from_dict(read_metadata(run.model_folder)["task"]).mean[0]
    assert exact == pytest.approx(sum(float(molecules[i].y[0, 0]) for i in SPLIT.train.tolist() if not i % 2) / 4)
    scored = evaluate(run.model_folder, [molecules[i] for i in test], device="cpu")
    assert run.metrics["test"]["rmse_per_task"]["target_0"] == pytest.approx(scored["rmse_per_task"]["target_0"])

    emptied = [data.clone() for data in censored]
    for data in emptied:
        data.y = data.y.masked_fill(data.label_side != 0, torch.nan)
    without = trained("values", emptied, Gaussian()).model.state_dict()
    learnt = run.model.state_dict()
    assert any(not torch.allclose(value, without[name], atol=1e-4) for name, value in learnt.items())
    with pytest.raises(ValueError, match=r"7 labels are bounds, from which Quantile\(level=0.9\) does not learn"):
        trained("refused", censored, Quantile())
    assert not (tmp_path / "refused").exists()


def test_a_criterion_for_other_labels_is_refused(molecules, config, machine, tmp_path):
    with pytest.raises(ValueError, match=r"Focal\(gamma=2.0\) is for classification, and this is a regression"):
        finetune(molecules, SPLIT, tmp_path / "run", config, machine=machine, criterion=Focal())
    assert not (tmp_path / "run").exists()


def test_a_metric_that_chooses_is_logged(molecules, config, machine, tmp_path):
    schedule = Schedule(epochs=1, batch_size=8)
    run = finetune(molecules, SPLIT, tmp_path, config, schedule=schedule, machine=machine, metric="kendall")
    assert logged(tmp_path, "valid/kendall") == [pytest.approx(run.metrics["valid"]["kendall"])]
    assert "spearman" in run.metrics["test"]
    with pytest.raises(KeyError):
        logged(tmp_path, "valid/spearman")  # not in every epoch


def test_early_stopping(molecules, config, machine, tmp_path):
    schedule = Schedule(epochs=50, batch_size=8, learning_rate=1.0, warmup=0)
    finetune(molecules, SPLIT, tmp_path, config, schedule=schedule, machine=machine, patience=2)
    values = logged(tmp_path, "valid/rmse")
    assert len(values) < 50
    assert len(values) == values.index(min(values)) + 3


def test_classification_with_gaps_from_2d(molecules, config, machine, tmp_path):
    labelled = [data.clone() for data in molecules]
    for number, data in enumerate(labelled):
        data.y = torch.tensor([[float(number % 2), torch.nan if number % 3 else 1.0]])
    run = finetune(
        labelled, SPLIT, tmp_path, config, schedule=Schedule(epochs=1), machine=machine, modality="2d", metric="ap"
    )
    assert (run.metrics["metric"], run.metrics["modality"]) == ("ap", "2d")
    assert run.metrics["test"]["rocauc_tasks_scored"] <= 1  # the second target has one class only
    assert read_metadata(run.model_folder)["task"]["kind"] == "classification"


def test_without_coordinates_all_there_is_means_2d(molecules, config, machine, tmp_path):
    flat = [data.clone() for data in molecules]
    for data in flat:
        data.pos = None
    run = finetune(flat, SPLIT, tmp_path, config, schedule=Schedule(steps=1), machine=machine)
    assert read_metadata(run.model_folder)["modality"] == "2d"


def test_a_pretrained_encoder_is_where_it_starts(molecules, config, machine, tmp_path):
    torch.manual_seed(1)
    pretrained = MoleBlendForPretraining(config)
    save_pretrained(pretrained, tmp_path / "pretrained")
    encoder = load_encoder(tmp_path / "pretrained", drop_path=0.5, dropout=0.25)
    assert (encoder.config.drop_path, encoder.config.dropout) == (0.5, 0.25)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    assert all(torch.equal(value, pretrained.encoder.state_dict()[name]) for name, value in before.items())

    slow = Schedule(steps=1, learning_rate=1e-9)
    run = finetune(molecules, SPLIT, tmp_path / "run", encoder, schedule=slow, machine=machine)
    for name, value in run.model.encoder.state_dict().items():
        torch.testing.assert_close(value, before[name], atol=1e-6, rtol=0)
        assert torch.equal(encoder.state_dict()[name], before[name])
    assert run.model.config.drop_path == 0.5


def test_arguments_are_checked(molecules, config, machine, tmp_path):
    save_pretrained(MoleBlend(config), tmp_path / "encoder")
    with pytest.raises(ValueError, match=r"of a built encoder can change, got \['channels'\]"):
        load_encoder(tmp_path / "encoder", channels=8)
    with pytest.raises(ValueError, match=r"must be one of \('rmse', 'mae', 'r2', .*\) for regression, got 'rocauc'"):
        finetune(molecules, SPLIT, tmp_path / "run", config, metric="rocauc", machine=machine)


def logged(folder, name):
    return pd.read_csv(folder / "csv" / "version_0" / "metrics.csv")[name].dropna().tolist()


def labelled_with(molecules, values):
    changed = [data.clone() for data in molecules]
    for data, value in zip(changed, values, strict=True):
        data.y = torch.tensor([[value]])
    return changed


def test_what_training_would_end_with_is_said_before_it(molecules, config, machine, tmp_path):
    def refused(values, message, split=SPLIT, **more):
        with pytest.raises(ValueError, match=message):
            finetune(labelled_with(molecules, values), split, tmp_path / "run", config, machine=machine, **more)
        assert not (tmp_path / "run").exists()

    binary = [float(i % 2) for i in range(14)]
    for part, words in (("valid", "validation"), ("test", "test")):
        last = int(SPLIT.as_dict()[part][-1])
        changed = [2.0 if i == last else value for i, value in enumerate(binary)]
        refused(changed, f"must be 0 or 1: 1 of the {words} molecules have others, number 2 of them 2 for 'target_0'")
        changed = [float("inf") if i == last else value + 0.5 for i, value in enumerate(binary)]
        refused(changed, f"label 'target_0' of molecule {last} is infinite")
    first = int(SPLIT.train[0])
    refused(
        [float("-inf") if i == first else value for i, value in enumerate(binary)],
        f"label 'target_0' of molecule {first} is infinite",
    )
    refused(
        [float("nan") if i in SPLIT.valid.tolist() else value for i, value in enumerate(binary)],
        "no validation molecule has a label",
    )
    empty = torch.empty(0, dtype=torch.long)
    refused(binary, "has no training molecule: take another kind", Split("s", empty, SPLIT.valid, SPLIT.test))
    refused(binary, "is of at least 15 molecules, got 14", Split("s", SPLIT.train, torch.tensor([14]), empty))
    refused(binary, "`patience` needs validation molecules", Split("s", SPLIT.train, empty, SPLIT.test), patience=2)
    refused(binary, "`patience` must be at least 1 epoch, got 0", patience=0)


def test_a_metric_that_would_be_nan_chooses_no_epoch(molecules, config, machine, tmp_path, caplog):
    one_class = [1.0 if i in SPLIT.valid.tolist() else float(i % 2) for i in range(14)]
    schedule = Schedule(epochs=3, batch_size=4, learning_rate=0.05)
    run = finetune(labelled_with(molecules, one_class), SPLIT, tmp_path, config, schedule=schedule, machine=machine)
    assert run.metrics["metric"] == "loss"
    assert "rocauc is not defined for the labels of the 3 validation molecules" in caplog.text
    losses = logged(tmp_path, "valid/loss")
    best = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["epoch"] == losses.index(min(losses))
    with pytest.raises(ValueError, match=r"rocauc is not defined .* split otherwise"):
        finetune(labelled_with(molecules, one_class), SPLIT, tmp_path / "b", config, metric="rocauc", machine=machine)
    one_row = Split("s", SPLIT.train, SPLIT.valid[:1], SPLIT.test)
    with pytest.raises(ValueError, match=r"r2 is not defined .* choose by another metric \(rmse, mae\)"):
        finetune(molecules, one_row, tmp_path / "c", config, metric="r2", machine=machine)
