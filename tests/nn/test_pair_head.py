import samples
import torch
import torch.nn.functional as F

from pyg_moleblend.nn import PairHead

B, N, C, OUT, R = 2, 3, 5, 4, 6


def module() -> PairHead:
    return samples.randomized(PairHead(C, OUT, R).double())


def atoms() -> torch.Tensor:
    return torch.randn(B, N, C, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_output_is_a_linear_map_of_the_outer_product():
    head, x = module(), atoms()
    row, column = (
        F.layer_norm(F.gelu(linear(x)), (R,), norm.weight, norm.bias, 1e-12)
        for linear, norm in ((head.row, head.row_norm), (head.column, head.column_norm))
    )
    features = (row[:, :, None, :, None] * column[:, None, :, None, :]).flatten(3)  # [B, N, N, R * R], row-major
    expected = F.linear(features, head.weight.flatten(1), head.bias)
    torch.testing.assert_close(head(x), expected)


def test_pairs_are_ordered():
    output = module()(atoms())
    assert output.shape == (B, N, N, OUT)
    assert not torch.allclose(output, output.transpose(1, 2))


def test_gradients_equal_finite_differences():
    head, x = module(), atoms().requires_grad_()
    assert samples.gradcheck_parameters(head, lambda: head(x), [x])


def test_reset_draws_fresh_weights():
    head = module()
    head.reset_parameters()
    assert not head.bias.any()
    assert (head.row_norm.weight == 1).all()
    assert 0.01 < head.weight.std() < 0.03
