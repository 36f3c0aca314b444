import pytest
import samples
import torch
import torch.nn.functional as F

from pyg_moleblend.nn import MultiHeadAttention

B, T, C, H = 2, 5, 12, 3


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(B, T, C, generator=generator, dtype=torch.float64)
    bias = torch.randn(B, H, T, T, generator=generator, dtype=torch.float64)
    bias[1, :, :, 3:] = float("-inf")
    return x, bias


def module(dropout: float = 0.0) -> MultiHeadAttention:
    return samples.randomized(MultiHeadAttention(C, H, dropout).double())


def test_attention_against_a_plain_loop():
    attention, (x, bias) = module(), inputs()
    query, key, value = attention.qkv(x).chunk(3, dim=-1)
    width = C // H
    expected = torch.zeros_like(x)
    for b in range(B):
        for h in range(H):
            part = slice(h * width, (h + 1) * width)
            for i in range(T):
                scores = (key[b, :, part] @ query[b, i, part]) / width**0.5 + bias[b, h, i]
                expected[b, i, part] = scores.softmax(0) @ value[b, :, part]
    torch.testing.assert_close(attention(x, bias), attention.out(expected))


def test_attention_equals_pytorchs_own():
    attention, (x, bias) = module(), inputs()
    expected, _ = F.multi_head_attention_forward(
        *[x.transpose(0, 1)] * 3,
        embed_dim_to_check=C,
        num_heads=H,
        in_proj_weight=attention.qkv.weight,
        in_proj_bias=attention.qkv.bias,
        bias_k=None,
        bias_v=None,
        add_zero_attn=False,
        dropout_p=0.0,
        out_proj_weight=attention.out.weight,
        out_proj_bias=attention.out.bias,
        attn_mask=bias.flatten(0, 1),
    )
    torch.testing.assert_close(attention(x, bias), expected.transpose(0, 1))


def test_shut_out_keys_do_not_matter():
    attention, (x, bias) = module(), inputs()
    changed = x.clone()
    changed[1, 3:] = 100
    assert torch.equal(attention(changed, bias)[1, :3], attention(x, bias)[1, :3])


def test_dropout_is_of_the_weights_and_in_training_only():
    attention, (x, bias) = module(dropout=0.9), inputs()
    assert torch.equal(attention(x, bias), attention(x, bias))
    attention.train()
    torch.manual_seed(0)
    assert not torch.allclose(attention(x, bias), attention(x, bias))


def test_heads_must_divide_channels():
    with pytest.raises(ValueError, match="got 12 and 5"):
        MultiHeadAttention(12, 5)


def test_gradients_equal_finite_differences():
    attention, (x, bias) = module(), inputs()
    x.requires_grad_()
    assert samples.gradcheck_parameters(attention, lambda: attention(x, bias), [x])
