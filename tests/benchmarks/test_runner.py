import json

import pytest
import torch

from benchmarks import moleculenet, runner
from benchmarks.ecfp import Forest
from benchmarks.models import EcfpForest
from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.metrics import Evaluator
from pyg_moleblend.models import MoleBlend, MoleBlendConfig
from pyg_moleblend.splits import random_split, scaffold_split

ALKYL = ["C" * length for length in range(1, 21)]
SMILES = [f"{chain}{end}" for chain in ALKYL for end in ("O", "N")]
LABEL = {"O": -5.0, "N": 3.0}


@pytest.fixture
def root(tmp_path):
    r"""A FreeSolv of alcohols and amines that are told apart by their label, and one row that is no molecule."""
    path = tmp_path / "data" / "freesolv" / "raw" / "SAMPL.csv"
    path.parent.mkdir(parents=True)
    labels = ["x,C1CC,1.0,1.0", *(f"x,{smiles},{LABEL[smiles[-1]]},0" for smiles in SMILES)]
    path.write_text("\n".join(["iupac,smiles,expt,calc", *labels]) + "\n")
    return tmp_path


def words(root, *more):
    return ["--root", f"{root}/data", "--out", f"{root}/results", "--runs", f"{root}/runs", "--sets", "freesolv", *more]


def test_the_floor(root, capsys):
    moleculenet.main(words(root, "--splits", "random,scaffold", "--seeds", "2", "--trees", "10"))
    content = json.loads((root / "results" / "ecfp_freesolv.json").read_text())
    assert (content["metric"], content["model"]["trees"]) == ("rmse", 10)
    assert content["data"]["rows"] == 41
    assert [(lost["row"], lost["input"]) for lost in content["data"]["lost"]] == [(0, "C1CC")]
    random, scaffold = content["cells"]
    assert [run["split_hash"] for run in random["runs"]] == [random_split(40, seed=seed).hash for seed in (0, 1)]
    assert {run["split_hash"] for run in scaffold["runs"]} == {scaffold_split(SMILES).hash}
    for run in random["runs"]:
        test = torch.tensor([[-5.0], [3.0]] * 20)[random_split(40, seed=run["seed"]).test]
        train = torch.tensor([[-5.0], [3.0]] * 20)[random_split(40, seed=run["seed"]).train]
        constant = Evaluator("rmse")(y_true=test, y_pred=train.mean().expand_as(test)).value
        assert run["constant_value"] == pytest.approx(constant)
        assert run["value"] < 0.5 * constant
    moleculenet.main(words(root, "--splits", "scaffold-balanced", "--seeds", "1", "--trees", "10"))
    whole = (root / "results" / "ecfp_moleculenet.md").read_text()
    assert "| set | metric | molecules | rows lost | random | scaffold | scaffold-balanced |" in whole
    captured = capsys.readouterr()
    assert "| freesolv | rmse | 40 | 1 |" in captured.out
    assert f"random 0.8/0.1/0.1 seed 1 (32/4/4; {random['runs'][1]['split_hash']})" in captured.out
    assert captured.err.count("rmse") == 5


def test_an_interrupted_table_goes_on(root, capsys, monkeypatch):
    whole = words(root, "--splits", "random,scaffold", "--seeds", "2", "--trees", "3")
    moleculenet.main(whole)
    path, expected = root / "results" / "ecfp_freesolv.json", capsys.readouterr().out
    finished, measure = path.read_text(), EcfpForest.measure
    path.unlink()
    calls = []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return measure(*args)

    monkeypatch.setattr(EcfpForest, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        moleculenet.main(whole)
    assert [len(cell["runs"]) for cell in json.loads(path.read_text())["cells"]] == [1, 1]
    moleculenet.main(whole)
    assert len(calls) == 3 + 2
    assert without_seconds(path.read_text()) == without_seconds(finished)
    monkeypatch.setattr(runner, "_fill", None)  # nothing is missing: not even the data are looked at
    capsys.readouterr()
    moleculenet.main(whole)
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("pretrained", [False, True])
def test_a_model_is_fine_tuned(root, pretrained, monkeypatch):
    shape = {"channels": 8, "num_layers": 1, "heads": 2, "ffn_channels": 8, "num_gaussians": 4}
    save_pretrained(MoleBlend(MoleBlendConfig(**shape)), root / "encoder")
    source = str(root / "encoder") if pretrained else "random"
    options = ["--schedule.epochs", "1", "--machine.accelerator", "cpu", "--machine.progress", "false"]
    if not pretrained:
        options += [word for name, value in shape.items() for word in (f"--model.{name}", str(value))]
    moleculenet.main(words(root, "--splits", "random", "--seeds", "1", "--model", source, *options))
    name = "moleblend" if pretrained else "random"
    content = json.loads((root / "results" / f"{name}_freesolv.json").read_text())
    model, (cell,) = content["model"], content["cells"]
    assert ("weights" in model) is pretrained
    assert (model["schedule"]["epochs"], model["schedule"]["batch_size"], model["modality"]) == (1, 32, "2d")
    assert (model["config"]["channels"], model["config"]["attention_dropout"]) == (8, 0.1)
    metrics = json.loads((root / "runs" / name / "freesolv-random-0" / "metrics.json").read_text())
    assert cell["mean"] == metrics["test"]["rmse"]
    assert (cell["sd"], cell["runs"][0]["n_tasks_scored"]) == (None, 1)


def test_the_forest_of_a_set_is_its_own_where_nothing_else_is_said(root, tmp_path):
    row = runner.Row("a", "rmse", "", None, root, Forest(trees=7, max_samples=0.5))
    for more, expected in (([], row.forest), (["--trees", "9"], Forest(trees=9, max_samples=0.5))):
        args = runner.parse(words(root, *more), "", ["freesolv"], ["random"])
        assert runner._model(args, row).forest == expected


def test_options_are_checked(root, capsys):
    with pytest.raises(ValueError, match=r"unknown options \['--data'\]"):
        moleculenet.main(words(root, "--model", "random", "--data", "qm9"))
    for bad, message in (
        (["--sets", "qm7"], "unknown ['qm7'], expected some of bbbp,bace"),
        (["--seeds", "0"], "--seeds must be at least 1, got 0"),
        (["--schedule.epochs", "2"], "ecfp has no options ['--schedule.epochs', '2']"),
        (["--model", "quick+folder", "--config", "a.yaml"], "quick+folder has no options ['--config']"),
    ):
        with pytest.raises(SystemExit):
            moleculenet.main(words(root, *bad))
        assert message in capsys.readouterr().err


def without_seconds(text):
    return [line for line in text.splitlines() if "seconds" not in line]
