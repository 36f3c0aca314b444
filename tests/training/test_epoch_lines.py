import re
from types import SimpleNamespace

import torch

from pyg_moleblend.training.epoch_lines import EpochLines


def lines(capsys, **trainer):
    defaults = {"is_global_zero": True, "current_epoch": 1, "max_epochs": 3, "callback_metrics": {}}
    callback = EpochLines()
    callback.on_fit_start(None, None)
    callback.on_train_epoch_end(SimpleNamespace(**{**defaults, **trainer}), None)
    return capsys.readouterr().out


def test_a_line_says_what_validation_found(capsys):
    metrics = {"valid/loss": torch.tensor(0.5), "valid/mae": torch.tensor(2.0), "train/loss_step": torch.tensor(9.0)}
    line = lines(capsys, callback_metrics=metrics)
    assert re.fullmatch(r"epoch 2/3  \d+ s  loss 0.5  mae 2\n", line)


def test_without_validation_it_is_the_training_loss(capsys):
    line = lines(capsys, callback_metrics={"train/loss_step": torch.tensor(9.0)}, max_epochs=-1)
    assert re.fullmatch(r"epoch 2  \d+ s  train/loss_step 9\n", line)


def test_one_process_speaks(capsys):
    assert lines(capsys, is_global_zero=False) == ""
