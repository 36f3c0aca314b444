import pytest
import torch
from sklearn.metrics import log_loss

from pyg_moleblend.nn import BCE


def test_it_is_the_log_loss_of_the_probabilities():
    torch.manual_seed(0)
    outputs, labels = 2 * torch.randn(50, 1, 1).double(), torch.randint(2, (50, 1)).double()
    expected = log_loss(labels[:, 0], outputs[:, 0, 0].sigmoid(), labels=[0, 1])
    assert BCE().loss(outputs, labels).mean().item() == pytest.approx(expected)
