import math

import pytest

from pyg_moleblend.training import Machine, Schedule


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "`epochs` must be a whole number from 1 to 2147483647, got 0"),
        ({"steps": 10**26}, "`steps` must be a whole number from 1 to 2147483647, got 1000"),
        ({"max_pairs": 0}, "`max_pairs` must be a whole number from 1 to 2147483647, got 0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be positive and finite, got 0.0"),
        ({"learning_rate": math.nan}, "`learning_rate` must be positive and finite, got nan"),
        ({"clip_norm": math.inf}, "`clip_norm` must be positive and finite, got inf"),
        ({"ema_decay": 1.0}, "`ema_decay` must lie between 0 and 1, got 1.0"),
        ({"warmup": -1}, "`warmup` must be finite and not negative, got -1"),
        ({"weight_decay": math.nan}, "`weight_decay` must be finite and not negative, got nan"),
    ],
)
def test_schedule_is_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        Schedule(**arguments)


def test_warmup_is_a_share_or_a_number():
    assert Schedule(warmup=0.25).warmup_steps(200) == 50
    assert Schedule(warmup=30).warmup_steps(200) == 30
    assert Schedule(warmup=0).warmup_steps(200) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "deepspeed"}, r"`strategy` must be one of \('auto', 'ddp', 'fsdp'\), got 'deepspeed'"),
        ({"num_nodes": 0}, "`num_nodes` must be at least 1, got 0"),
        ({"checkpoint_minutes": 0.0}, "`checkpoint_minutes` must be positive, and at most 2147483647, got 0.0"),
        ({"checkpoint_minutes": math.nan}, "`checkpoint_minutes` must be positive, and at most 2147483647, got nan"),
        ({"num_workers": -1}, "`num_workers` must not be negative, got -1"),
        ({"checkpoint_steps": 0}, "`checkpoint_steps` must be at least 1, got 0"),
    ],
)
def test_machine_is_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        Machine(**arguments)


@pytest.mark.parametrize("name", ["epochs", "batch_size", "learning_rate", "warmup", "weight_decay", "clip_norm"])
@pytest.mark.parametrize("value", [None, "x", []])
def test_a_schedule_is_made_of_numbers(name: str, value: object):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        Schedule(**{name: value})


@pytest.mark.parametrize("name", ["num_nodes", "num_workers", "checkpoint_minutes"])
def test_what_a_machine_has_is_numbers(name: str):
    with pytest.raises(ValueError, match=f"`{name}` must .*, got None"):
        Machine(**{name: None})
