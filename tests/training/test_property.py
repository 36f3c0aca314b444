import lightning.pytorch as pl
import pytest
import torch

from pyg_moleblend.loader import molecule_loader
from pyg_moleblend.metrics import Evaluator, Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.training import PropertyModule, Schedule
from pyg_moleblend.training.trainer import quiet_lightning


@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_validation_is_over_all_molecules_in_the_targets_units(molecules, config, modality):
    torch.manual_seed(0)
    labels = torch.cat([data.y for data in molecules])
    task = Task.from_labels(labels, ["size", "twice"])
    module = PropertyModule(MoleBlendForPropertyPrediction(config, 2), task, Schedule(), modality)
    with quiet_lightning():
        trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
        logged = trainer.validate(module, molecule_loader(molecules, 4), verbose=False)[0]
    module.eval()
    with torch.no_grad():
        outputs = torch.cat([module.model(data, modality) for data in molecules])
        predictions = torch.cat([module(data) for data in molecules])
    for metric in ("rmse", "mae", "r2"):
        expected = Evaluator(metric)(y_true=labels, y_pred=predictions)
        assert logged[f"valid/{metric}"] == pytest.approx(expected.value, rel=1e-4)
    expected = (outputs - task.standardize(labels)).square().nanmean()
    assert logged["valid/loss"] == pytest.approx(float(expected), rel=1e-4)


def test_outputs_must_fit_the_targets(config):
    task = Task.from_labels(torch.tensor([[1.5], [2.0]]), ["a"])
    with pytest.raises(ValueError, match="a model of 3 outputs cannot learn 1 targets"):
        PropertyModule(MoleBlendForPropertyPrediction(config, 3), task, Schedule())


def test_one_number_a_molecule_is_as_good_as_a_row(molecules, config):
    torch.manual_seed(0)
    task = Task("regression", ("size",), ("",), (5.0,), (2.0,))
    module = PropertyModule(MoleBlendForPropertyPrediction(config, 1), task, Schedule())
    logged = []
    for shape in ([1], [1, 1]):
        data_list = [data.clone() for data in molecules]
        for data in data_list:
            data.y = data.y[0, :1].view(shape)
        with quiet_lightning():
            trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
            logged.append(trainer.validate(module, molecule_loader(data_list, 4), verbose=False)[0])
    assert logged[0] == logged[1]


def test_validation_without_finite_predictions_is_divergence(molecules, config):
    model = MoleBlendForPropertyPrediction(config, 2)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    task = Task.from_labels(torch.cat([data.y for data in molecules]), ["size", "twice"])
    with quiet_lightning():
        trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
        with pytest.raises(ValueError, match=r"has diverged, .* validation molecules have no finite prediction"):
            trainer.validate(PropertyModule(model, task, Schedule()), molecule_loader(molecules, 4), verbose=False)
