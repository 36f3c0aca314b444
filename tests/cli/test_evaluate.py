import json

import pytest

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


def test_conformers_are_those_of_the_training(property_model, table, tmp_path, monkeypatch, refused):
    from pyg_moleblend.checkpoints import from_pretrained, read_metadata, save_pretrained
    from pyg_moleblend.chem import Conformers
    from pyg_moleblend.datasets.recipe import RECIPE_KEY, Recipe

    recipe = Recipe(conformers=Conformers(seed=7, optimize=True))
    metadata = {**read_metadata(property_model), "modality": "2d+3d", RECIPE_KEY: recipe.to_dict()}
    model = save_pretrained(from_pretrained(property_model), tmp_path / "model", metadata)
    asked = []

    def add(*_, conformers, **others):
        asked.append(conformers)
        raise ZeroDivisionError

    monkeypatch.setattr("pyg_moleblend.cli.data.add_missing_conformers", add)
    for seed in ([], ["--seed", "3"]):
        with pytest.raises(ZeroDivisionError):
            main(["evaluate", str(model), str(table), "--conformers", "2", *seed])
    assert asked == [Conformers(7, 2, optimize=True), Conformers(3, 2, optimize=True)]
    assert "of no use to the modality '2d'" in refused("evaluate", property_model, table, "--conformers", "1")
