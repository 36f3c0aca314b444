import torch

from pyg_moleblend.nn import MSE


def test_it_is_the_squared_error():
    torch.manual_seed(0)
    outputs, labels = torch.randn(6, 2, 1), torch.randn(6, 2)
    expected = torch.nn.functional.mse_loss(outputs[..., 0], labels)
    torch.testing.assert_close(MSE().loss(outputs, labels).mean(), expected)
