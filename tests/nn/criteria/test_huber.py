import numpy as np
import pytest
import torch
from scipy.special import huber

from pyg_moleblend.nn import Huber


@pytest.mark.parametrize("delta", [0.3, 1.0, 2.5])
def test_it_is_that_of_scipy(delta: float):
    torch.manual_seed(0)
    outputs, labels = 3 * torch.randn(50, 2, 1), torch.randn(50, 2)
    expected = huber(delta, (outputs[..., 0] - labels).numpy())
    np.testing.assert_allclose(Huber(delta).loss(outputs, labels), expected, rtol=1e-5)


def test_delta_is_checked():
    with pytest.raises(ValueError, match="`delta` must be positive, got 0"):
        Huber(0)
