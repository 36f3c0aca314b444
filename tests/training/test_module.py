import math

import pytest
import torch

from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.training import Machine, Schedule, pretrain
from pyg_moleblend.training.module import warmup_cosine


def test_learning_rate_warms_up_and_falls_to_zero():
    factors = [warmup_cosine(step, warmup=4, total=12) for step in range(13)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors[4:] == pytest.approx([0.5 * (1 + math.cos(math.pi * k / 8)) for k in range(9)])
    assert factors[-1] == pytest.approx(0)
    assert warmup_cosine(20, 4, 12) == pytest.approx(0)


def test_without_warmup_it_starts_at_the_top():
    assert warmup_cosine(0, 0, 10) == 1


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_training_that_diverges_is_ended(epochs, molecules, config, tmp_path):
    model = MoleBlendForPretraining(config)
    schedule, machine = Schedule(epochs=epochs, batch_size=4), Machine(accelerator="cpu", progress=False)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(ValueError, match=r"has diverged, .* after \d+ updates: .* learning rate below 0\.\d+"):
        pretrain(molecules, tmp_path / "run", model=model, schedule=schedule, machine=machine)
    assert not (tmp_path / "run" / "model").exists()
