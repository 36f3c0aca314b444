import pytest
import torch
from torch import nn

from pyg_moleblend.nn.precision import LayerNorm, full_precision


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_full_precision_is_float32_at_least(dtype: torch.dtype):
    wanted = torch.float64 if dtype == torch.float64 else torch.float32
    assert full_precision(torch.ones(2, dtype=dtype)).dtype == wanted


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("half_weights", [False, True])
def test_layer_norm_is_computed_in_float32(dtype: torch.dtype, half_weights: bool):
    norm, exact = LayerNorm(64), nn.LayerNorm(64)
    norm = norm.to(dtype) if half_weights else norm
    x = (1000 + torch.randn(5, 64, generator=torch.Generator().manual_seed(0))).to(dtype)
    output = norm(x)
    assert output.dtype == dtype
    assert torch.equal(output, exact(x.float()).to(dtype))


def test_layer_norm_keeps_double_precision():
    x = torch.randn(5, 8, dtype=torch.float64)
    assert torch.equal(LayerNorm(8).double()(x), nn.LayerNorm(8).double()(x))
