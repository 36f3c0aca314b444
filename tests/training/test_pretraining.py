import math

import lightning.pytorch as pl
import pytest
import samples
import torch

from pyg_moleblend.loader import molecule_loader
from pyg_moleblend.runtime.seeds import derived_seed
from pyg_moleblend.training import PretrainingModule, Schedule
from pyg_moleblend.training.trainer import quiet_lightning


@pytest.fixture
def trainer():
    with quiet_lightning():
        yield pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)


def make(config, seed=0):
    torch.manual_seed(0)
    return PretrainingModule(samples.tiny_pretraining(config, geometry="distance"), Schedule(), seed)


def test_validation_is_total_through_count_under_replayed_blends(molecules, config, trainer):
    module, loader = make(config, seed=5), molecule_loader(molecules, 4)
    logged = trainer.validate(module, loader, verbose=False)[0]
    again = trainer.validate(module, loader, verbose=False)[0]
    assert logged == again

    module.eval()
    sums = {}
    for number, batch in enumerate(loader):
        generator = torch.Generator().manual_seed(derived_seed(5, number))
        with torch.no_grad():
            output = module.model(batch, generator=generator)
        for name, (total, count) in output.qualities.items():
            loss = output.losses[name] * count
            sums[name] = sums.get(name, 0) + torch.stack([total.double(), loss.double(), count.double()])
    weights = module.model.loss_weighting.weights
    names = {"spd": "accuracy", "bond_path": "accuracy", "distance": "mae", "denoising": "cosine"}
    for name, quality in names.items():
        total, loss, count = sums[name].tolist()
        assert logged[f"valid/{name}_{quality}"] == pytest.approx(total / count, rel=1e-5)
        assert logged[f"valid/{name}_loss"] == pytest.approx(loss / count, rel=1e-5)
    expected = sum(weights[name] * sums[name][1].item() / sums[name][2].item() for name in names)
    assert logged["valid/loss"] == pytest.approx(expected, rel=1e-5)
    assert set(logged) == {f"valid/{n}_{q}" for n, q in names.items()} | {f"valid/{n}_loss" for n in names} | {
        "valid/loss"
    }


def test_another_seed_validates_under_other_blends(molecules, config, trainer):
    loader = molecule_loader(molecules, 4)
    first, second = (trainer.validate(make(config, seed), loader, verbose=False)[0] for seed in (0, 1))
    assert first["valid/loss"] != second["valid/loss"]


def test_what_is_never_counted_adds_nothing(molecules, config, trainer):
    flat = [data.clone() for data in molecules]
    for data in flat:
        data.pos = torch.full_like(data.pos, torch.nan)
    logged = trainer.validate(make(config), molecule_loader(flat, 4), verbose=False)[0]
    assert math.isnan(logged["valid/distance_mae"])
    assert logged["valid/loss"] == pytest.approx(0.1 * logged["valid/spd_loss"] + 0.1 * logged["valid/bond_path_loss"])
