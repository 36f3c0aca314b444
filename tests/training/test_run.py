import os
from dataclasses import FrozenInstanceError, replace

import pytest
import torch

from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.training import PretrainingModule, Run, Schedule, pretrain
from pyg_moleblend.training.folder import check_checkpoint
from pyg_moleblend.training.run import load_best


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_runs_code_is_refused(tmp_path, molecules, config, machine):
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.parent.mkdir()
    torch.save({"state_dict": {}, "payload": Payload(tmp_path / "harm")}, path)
    with pytest.raises(ValueError, match=r"last\.ckpt is damaged, or holds more than data"):
        pretrain(molecules, tmp_path, (), config, Schedule(steps=1), machine, resume=True)
    assert not (tmp_path / "harm").exists()


def test_a_damaged_checkpoint_is_named(tmp_path, molecules, config, machine):
    pretrain(molecules, tmp_path / "run", (), config, Schedule(steps=1), machine)
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    check_checkpoint(path)
    for size in (0, 100, path.stat().st_size // 2):
        (tmp_path / "part.ckpt").write_bytes(path.read_bytes()[:size])
        with pytest.raises(ValueError, match=r"part\.ckpt is damaged"):
            check_checkpoint(tmp_path / "part.ckpt")


def test_best_weights_are_the_models(tmp_path, config):
    module = PretrainingModule(MoleBlendForPretraining(config), Schedule())
    state = {name: value.clone() for name, value in module.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "best.ckpt")
    other = PretrainingModule(MoleBlendForPretraining(config), Schedule())
    load_best(other, tmp_path / "best.ckpt")
    for name, value in other.model.state_dict().items():
        assert torch.equal(value, state[f"model.{name}"])


def test_a_run_is_a_value(tmp_path, config):
    model = MoleBlendForPretraining(config)
    run = Run(model, {"seed": 0}, tmp_path)
    assert run.model is model
    assert run.model_folder == tmp_path / "model"
    with pytest.raises(FrozenInstanceError):
        run.folder = tmp_path


def test_there_must_be_molecules(tmp_path, config, machine):
    with pytest.raises(ValueError, match="there is no training molecule"):
        pretrain([], tmp_path, (), config, Schedule(steps=1), machine)


def test_half_precision_and_a_budget_of_pairs(tmp_path, molecules, config, machine):
    schedule = Schedule(epochs=2, batch_size=8, max_pairs=120, learning_rate=1e-2)
    run = pretrain(molecules, tmp_path, molecules[:4], config, schedule, replace(machine, precision="bf16-mixed"))
    full = pretrain(molecules, tmp_path / "full", molecules[:4], config, schedule, machine)
    assert all(parameter.dtype == torch.float32 for parameter in run.model.parameters())
    assert run.metrics["valid"]["loss"] == pytest.approx(full.metrics["valid"]["loss"], rel=0.05)


def test_activation_checkpointing_trains_the_same_model(tmp_path, molecules, config, machine):
    runs = [
        pretrain(
            molecules,
            tmp_path / str(again),
            (),
            config,
            Schedule(steps=2),
            replace(machine, activation_checkpointing=again),
        )
        for again in (False, True)
    ]
    assert [run.model.encoder.activation_checkpointing for run in runs] == [False, True]
    for name, value in runs[0].model.state_dict().items():
        torch.testing.assert_close(value, runs[1].model.state_dict()[name], rtol=1e-4, atol=1e-6)
