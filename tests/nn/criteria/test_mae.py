import pytest
import torch
from sklearn.metrics import mean_absolute_error

from pyg_moleblend.nn import MAE


def test_it_is_the_absolute_error():
    torch.manual_seed(0)
    outputs, labels = torch.randn(6, 1, 1), torch.randn(6, 1)
    assert MAE().loss(outputs, labels).mean().item() == pytest.approx(mean_absolute_error(labels, outputs[..., 0]))
