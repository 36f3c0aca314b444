import json

from pyg_moleblend.cli import main
from pyg_moleblend.cli.evaluate import models_of


def test_a_pretrained_model_by_recovery(pretrained_model, table, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["evaluate", str(pretrained_model), str(table), "--out", out, "--conformers", "1"]) == 0
    assert "trivial guess" in capsys.readouterr().out
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert set(metrics["quality"]["distance"]) == {"spd", "bond_path", "displacement"}


def test_a_missing_target_is_named(property_model, tmp_path, refused):
    path = tmp_path / "unlabelled.csv"
    path.write_text("smiles\nCCO\n")
    assert "the table has no column 'gap'" in refused("evaluate", property_model, path)


def test_several_models_by_name(property_model, table, refused):
    assert models_of("a, b") == ["a", "b"]
    assert models_of(str(property_model)) == [str(property_model)]
    assert "each model can be named once" in refused("evaluate", "a,a", table)
