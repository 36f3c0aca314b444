import pytest

from pyg_moleblend.checkpoints import read_metadata, save_pretrained
from pyg_moleblend.chem import Hydrogens
from pyg_moleblend.datasets.recipe import RECIPE_KEY, Recipe
from pyg_moleblend.inference.property_model import load_property_model, load_property_models
from pyg_moleblend.models import MoleBlend
from pyg_moleblend.runtime.files import atomic_write


def test_a_model_comes_with_what_is_known_of_it(folder):
    found = load_property_model(folder)
    assert found.task.to_dict() == read_metadata(folder)["task"]
    assert (found.modality, found.trained_modality, found.recipe) == ("2d", "2d", None)
    assert not found.model.training
    assert [len(errors) for errors in found.errors] == [0, 0]
    other = load_property_model(folder, "2d+3d")
    assert (other.modality, other.trained_modality) == ("2d+3d", "2d")


def test_an_encoder_predicts_nothing(config, tmp_path):
    save_pretrained(MoleBlend(config), tmp_path / "encoder")
    with pytest.raises(ValueError, match="holds a MoleBlend that knows no property"):
        load_property_model(tmp_path / "encoder")


def test_seeds_that_learnt_different_things_do_not_predict_together(model, folder, tmp_path):
    common = read_metadata(folder)
    for seed, more in enumerate([{}, {}, {RECIPE_KEY: Recipe(hydrogens=Hydrogens.ADD).to_dict()}]):
        save_pretrained(model, tmp_path / "runs" / f"seed-{seed}" / "model", {**common, **more})
    with atomic_write(tmp_path / "runs" / "summary.json", "w") as file:
        file.write('{"members": ["seed-0", "seed-1"]}')
    assert len(load_property_models(tmp_path / "runs")) == 2
    with atomic_write(tmp_path / "runs" / "summary.json", "w") as file:
        file.write('{"members": ["seed-0", "seed-2"]}')
    with pytest.raises(ValueError, match="cannot predict together, they differ in recipe"):
        load_property_models(tmp_path / "runs")
