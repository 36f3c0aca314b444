import math

import pytest
import torch

from pyg_moleblend.models import MoleBlend
from pyg_moleblend.training import Schedule
from pyg_moleblend.training.search_space import DEFAULT_SPACE, SearchSpace, encoder_with, schedule_with


class Recorder:
    r"""Stands in for Optuna's trial: keeps what it is asked for, and gives the lowest value or the last choice."""

    def __init__(self):
        self.asked = {}

    def suggest_float(self, name, low, high, log):
        self.asked[name] = (float, log)
        return low

    def suggest_int(self, name, low, high, log):
        self.asked[name] = (int, log)
        return low

    def suggest_categorical(self, name, values):
        self.asked[name] = values
        return values[-1]


def test_two_numbers_are_a_range_and_more_are_choices():
    space = SearchSpace.of(
        {
            "learning_rate": [1e-5, 1e-3],
            "dropout": [0, 0.3],
            "accumulate": [1, 4],
            "batch_size": [8, 16, 32],
            "layer_decay": {"choices": [0, 1]},
        }
    )
    trial = Recorder()
    assert space.draw(trial) == {
        "learning_rate": 1e-5, "dropout": 0, "accumulate": 1, "batch_size": 32, "layer_decay": 1,
    }  # fmt: skip
    assert trial.asked == {
        "learning_rate": (float, True),
        "dropout": (float, False),
        "accumulate": (int, False),
        "batch_size": (8, 16, 32),
        "layer_decay": (0, 1),
    }
    assert space.names == list(trial.asked)


def test_settings_reach_the_schedule_and_the_encoder(config):
    settings = SearchSpace.of(DEFAULT_SPACE).draw(Recorder()) | {"head_ratio": 3.0, "dropout": 0.25}
    schedule = schedule_with(Schedule(epochs=7), settings)
    assert (schedule.epochs, schedule.learning_rate, schedule.batch_size) == (7, 1e-5, 64)
    assert schedule.head_learning_rate == pytest.approx(3e-5)
    assert encoder_with(config, settings).dropout == 0.25

    encoder = MoleBlend(config)
    changed = encoder_with(encoder, settings)
    assert (encoder.config.dropout, changed.config.dropout, changed.dropout.p) == (config.dropout, 0.25, 0.25)
    assert encoder_with(encoder, {"learning_rate": 1.0}) is encoder
    with pytest.raises(ValueError, match=r"dropouts of a Linear are fixed: leave \['dropout'\] out"):
        encoder_with(torch.nn.Linear(1, 1), settings)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "the search space is empty"),
        ({"epochs": [1, 2]}, "can hold learning_rate, .* got 'epochs'"),
        ({"learning_rate": "1e-3"}, "must be .low, high., three or more choices"),
        ({"learning_rate": [1e-3]}, "must be .low, high., three or more choices"),
        ({"learning_rate": [1e-3, 1e-4]}, "from a lower to a higher value, got 0.001 and 0.0001"),
        ({"learning_rate": ["1e-5", 1e-3]}, "needs a number for learning_rate, got '1e-5'"),
        ({"learning_rate": [0, 1e-3]}, "`learning_rate` must be positive"),
        ({"learning_rate": [1e-5, math.inf]}, "`learning_rate` must be positive and finite"),
        ({"batch_size": [8.0, 16.0, 32.0]}, "needs a whole number for batch_size, got 8.0"),
        ({"dropout": [0, 1]}, r"`dropout` must lie in \[0, 1\)"),
    ],
)
def test_spaces_are_checked(words, message):
    with pytest.raises(ValueError, match=message):
        SearchSpace.of(words)
