import pytest

from pyg_moleblend.models import MoleBlendConfig
from pyg_moleblend.training import Machine, Schedule


@pytest.fixture(scope="session")
def tiny():
    r"""Arguments of an estimator that is fitted in a moment."""
    return {
        "encoder": MoleBlendConfig(channels=16, num_layers=1, heads=2, ffn_channels=16, num_gaussians=8),
        "schedule": Schedule(epochs=2, batch_size=8, learning_rate=1e-2),
        "machine": Machine(accelerator="cpu", progress=False),
    }
