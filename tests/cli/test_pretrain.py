import json
import shutil

import pytest
import yaml

from pyg_moleblend.checkpoints import from_pretrained
from pyg_moleblend.cli import main


def test_a_run_can_be_repeated_from_its_config(table, tmp_path, tiny_words, capsys):
    out = tmp_path / "run"
    words = ["--data", str(table), "--out", str(out), "--valid-fraction", "0.3", "--conformers", "1"]
    assert main(["pretrain", *words, "--schedule.steps", "2", "--schedule.batch-size", "4", *tiny_words]) == 0
    captured = capsys.readouterr()
    assert "trivial guess" in captured.out
    assert "1 rows of" in captured.err
    assert "the first being row 4" in captured.err
    metrics = json.loads((out / "metrics.json").read_text())
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert config["model"]["channels"] == from_pretrained(out / "model").config.channels == 16

    shutil.copy(out / "config.yaml", tmp_path / "config.yaml")
    assert main(["pretrain", "--config", str(tmp_path / "config.yaml"), "--out", str(tmp_path / "again")]) == 0
    assert json.loads((tmp_path / "again" / "metrics.json").read_text()) == metrics

    begun = ["pretrain", "--config", str(out / "config.yaml"), "--resume"]
    capsys.readouterr()
    assert main([*begun, "--schedule.steps", "4"]) == 2
    assert "was begun with other options: schedule.steps was 2, is 4. Resume it" in capsys.readouterr().err
    assert main([*begun, "--machine.checkpoint-minutes", "5"]) == 0
    assert json.loads((out / "metrics.json").read_text()) == metrics


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["--data", "gm9"],
            "unknown data 'gm9': expected 'qm9', 'moleculenet:NAME', 'moleculeace:TARGET', ",
        ),
        (["--data", "moleculenet:esool"], "`name` must be one of ['bace'"),
        (["--data", "nowhere.csv"], "there is no file"),
        (["--data", "x.csv", "--resume"], "there is no run to resume"),
        (["--data", "x.csv", "--valid-fraction", "1.5"], "valid_fraction must lie in [0, 1), got 1.5"),
    ],
)
def test_errors_are_one_line(words, expected, tmp_path, refused):
    assert expected in refused("pretrain", "--out", tmp_path / "run", *words)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten(table, tmp_path, tiny_words, refused, capsys):
    words = ["pretrain", "--data", table, "--out", tmp_path / "run", "--schedule.steps", "1", *tiny_words]
    assert main([str(word) for word in words]) == 0
    capsys.readouterr()
    assert "holds a run already; pass resume" in refused(*words)
