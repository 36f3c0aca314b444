import json
import math
from dataclasses import replace
from pathlib import Path

import lightning.pytorch as pl
import pandas as pd
import pytest
import samples
import torch
from torch import Tensor, nn

from pyg_moleblend.checkpoints import from_pretrained, read_metadata
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining
from pyg_moleblend.training import MoleculeDataModule, PretrainingModule, Schedule, pretrain
from pyg_moleblend.training.folder import LAST
from pyg_moleblend.training.trainer import make_trainer, quiet_lightning


class SaveAt(pl.Callback):
    r"""Saves checkpoints in the middle of epochs."""

    def __init__(self, folder, steps):
        self.folder, self.steps = folder, steps

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        window_ends = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if trainer.global_step in self.steps and window_ends:
            trainer.save_checkpoint(self.folder / f"{trainer.global_step}.ckpt")


def train(molecules, config, machine, folder, schedule, callbacks=(), checkpoint=None):
    torch.manual_seed(0)
    module = PretrainingModule(MoleBlendForPretraining(config), schedule)
    data = MoleculeDataModule(molecules, molecules[:4], schedule, machine)
    with quiet_lightning():
        trainer = make_trainer(folder, schedule, machine, "valid/loss", "min")
        trainer.callbacks += callbacks  # after those that have a state to be saved
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


@pytest.mark.parametrize(("accumulate", "ema_decay"), [(1, None), (2, None), (1, 0.9)])
def test_resumed_run_is_the_run_that_was_not_interrupted(molecules, config, machine, tmp_path, accumulate, ema_decay):
    schedule = Schedule(epochs=2, batch_size=3, learning_rate=1e-2, accumulate=accumulate, ema_decay=ema_decay)
    steps = (2, 5) if accumulate == 1 else (2,)  # within the first epoch, and at its end
    save = SaveAt(tmp_path, steps)
    whole = train(molecules, config, machine, tmp_path / "whole", schedule, [save])
    for step in steps:
        rest = train(molecules, config, machine, tmp_path / "rest", schedule, checkpoint=tmp_path / f"{step}.ckpt")
        assert torch.equal(whole, rest)


class KeepWeights(pl.Callback):
    r"""Keeps the weights after each update."""

    def __init__(self):
        self.kept = []

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.kept.append(nn.utils.parameters_to_vector(module.parameters()).detach().clone())


def test_the_moving_average_of_the_weights_is_kept(molecules, config, machine, tmp_path):
    schedule = Schedule(epochs=2, batch_size=3, learning_rate=1e-2, ema_decay=0.8)
    updates = KeepWeights()
    found = train(molecules, config, machine, tmp_path, schedule, [updates])
    expected = updates.kept[0]
    for weights in updates.kept[1:]:
        expected = 0.8 * expected + 0.2 * weights
    assert torch.allclose(found, expected, atol=1e-6)
    assert not torch.allclose(found, updates.kept[-1], atol=1e-3)


def test_pretrain_writes_a_run_that_is_repeatable_and_can_go_on(molecules, config, machine, tmp_path):
    def go(out, epochs, **more):
        schedule = Schedule(epochs=epochs, batch_size=4, learning_rate=1e-2)
        return pretrain(molecules[:10], out, molecules[10:], config, schedule, machine, seed=1, **more)

    first, second = go(tmp_path / "a", 2), go(tmp_path / "b", 2)
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
    assert first.metrics == second.metrics

    loaded = from_pretrained(first.model_folder)
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
    recipe = {"hydrogens": "remove", "conformers": None}
    assert read_metadata(first.model_folder) == {"modality": "2d+3d", "seed": 1, "recipe": recipe}
    metrics = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert metrics == first.metrics
    assert metrics["steps"] == 6
    assert set(metrics["recovery"]["quality"]) == {"nothing", "spd", "bond_path", "distance", "all", "trivial guess"}
    curves = pd.read_csv(tmp_path / "a" / "csv" / "version_0" / "metrics.csv")
    assert curves["valid/loss"].count() == 3  # after each epoch and at the end
    assert math.isclose(curves["valid/loss"].dropna().iloc[-1], metrics["valid"]["loss"])
    assert list((tmp_path / "a" / "tensorboard" / "version_0").glob("events*"))

    with pytest.raises(ValueError, match="holds a run already; pass resume"):
        go(tmp_path / "a", 2)
    assert go(tmp_path / "a", 2, resume=True).metrics == first.metrics
    with pytest.raises(ValueError, match=r"begun with other things: schedule\.epochs was 2, is 3\. Resume it"):
        go(tmp_path / "a", 3, resume=True)
    with pytest.raises(FileNotFoundError, match=f"no run to resume: no .*{LAST}"):
        go(tmp_path / "c", 2, resume=True)


def test_training_lowers_the_loss(molecules, config, machine, tmp_path):
    schedule = Schedule(steps=60, batch_size=14, learning_rate=1e-2)
    torch.manual_seed(0)
    model = samples.tiny_pretraining(config, geometry="distance")
    run = pretrain(12 * molecules, tmp_path, (), model, schedule, machine)
    curves = pd.read_csv(tmp_path / "csv" / "version_0" / "metrics.csv")
    for name in ("spd_loss", "bond_path_loss", "distance_loss"):
        values = curves[f"train/{name}"].dropna()
        assert values.iloc[-1] < 0.8 * values.iloc[0]
    assert run.metrics["steps"] == 60
    assert "valid" not in run.metrics
    assert not (tmp_path / "checkpoints" / "best.ckpt").exists()


def test_molecules_without_coordinates_make_a_2d_model(molecules, config, machine, tmp_path):
    flat = [data.clone() for data in molecules]
    for data in flat:
        data.pos = torch.full_like(data.pos, torch.nan)
    run = pretrain(flat, tmp_path, (), config, Schedule(steps=1), machine)
    assert read_metadata(run.model_folder)["modality"] == "2d"


def test_a_run_goes_on_with_what_it_was_begun_with_only(molecules, config, machine, tmp_path):
    schedule = Schedule(epochs=1, batch_size=4)
    begun = {"train": molecules[:10], "valid": molecules[10:], "model": config, "schedule": schedule, "seed": 0}
    pretrain(out=tmp_path, machine=machine, **begun)
    changes = {
        "train": (molecules[1:11], "molecules.train was 10 molecules"),
        "valid": (molecules[9:], "molecules.valid was 4 molecules"),
        "model": (replace(config, num_layers=config.num_layers + 1), "arguments.num_layers was 2, is 3"),
        "schedule": (replace(schedule, learning_rate=1.0), "schedule.learning_rate was 0.0001, is 1.0"),
        "seed": (3, "seed was 0, is 3"),
    }
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    for name, (value, message) in changes.items():
        with pytest.raises(ValueError, match="begun with other things: .*" + message.replace(".", r"\.")):
            pretrain(out=tmp_path, machine=machine, resume=True, **{**begun, name: value})
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == files
    pretrain(out=tmp_path, machine=replace(machine, checkpoint_minutes=1.0), resume=True, **begun)


def test_what_cannot_be_saved_is_said_before_the_training(tmp_path: Path):
    class Elements(nn.Module):
        def forward(self, molecules) -> Tensor:
            return molecules.x[..., :1].float().expand(-1, -1, 16)

    config = samples.tiny_config()
    encoder = MoleBlend(config, atom_embedding=Elements())
    with pytest.raises(ValueError, match=r"cannot be saved: .* a component, whose class has @register, got Elements"):
        pretrain(samples.molecules(2), tmp_path / "run", model=MoleBlendForPretraining(config, encoder))
    assert not (tmp_path / "run").exists()
