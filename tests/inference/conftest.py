import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction

TASK = Task("regression", ("gap", "mu"), ("eV", "D"), (5.0, 2.0), (1.5, 0.5))


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    model = MoleBlendForPropertyPrediction(config, 2).eval()
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "gaussians" not in name:
            torch.nn.init.normal_(parameter, std=0.3)  # fresh weights hardly tell molecules apart
    return model


@pytest.fixture
def folder(model, tmp_path):
    return save_pretrained(model, tmp_path / "model", {"task": TASK.to_dict(), "modality": "2d"})
