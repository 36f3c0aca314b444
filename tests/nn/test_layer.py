import golden_data
import pytest
import samples
import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.nn import MoleBlendLayer

B, T, C, H, FFN = 3, 4, 8, 2, 10


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(B, T, C, generator=generator, dtype=torch.float64)
    return x, torch.randn(B, H, T, T, generator=generator, dtype=torch.float64)


def layer(**arguments: float) -> MoleBlendLayer:
    return samples.randomized(MoleBlendLayer(C, H, FFN, **arguments).double())


@pytest.mark.parametrize("modality", ["2d+3d", "2d"])
@pytest.mark.parametrize("number", range(3))
def test_golden_layer(modality: str, number: int):
    golden, model = golden_data.public(), golden_data.pretraining_model()
    bias = model.encoder.attention_bias(golden_data.packed(model, modality))
    states = golden["encoder_2d3d" if modality == "2d+3d" else "encoder_2d"]
    output = model.encoder.layers[number](states[number], bias)
    golden_data.assert_matches(output, states[number + 1], golden_data.token_mask())


def test_layer_against_a_plain_reference():
    module, (x, bias) = layer(), inputs()
    query, key, value = (part.view(B, T, H, C // H) for part in module.attention.qkv(x).chunk(3, -1))
    scores = torch.einsum("bihd,bjhd->bhij", query, key) / (C // H) ** 0.5 + bias
    mixed = torch.einsum("bhij,bjhd->bihd", scores.softmax(-1), value).reshape(B, T, C)
    norms = [module.attention_norm, module.ffn_norm]
    hidden = F.layer_norm(x + module.attention.out(mixed), (C,), norms[0].weight, norms[0].bias, 1e-5)
    inner = module.ffn_in(hidden)
    inner = inner * 0.5 * (1 + torch.erf(inner / 2**0.5))
    expected = F.layer_norm(hidden + module.ffn_out(inner), (C,), norms[1].weight, norms[1].bias, 1e-5)
    torch.testing.assert_close(module(x, bias), expected)


def test_ffn_channels_are_channels_by_default():
    assert MoleBlendLayer(C, H).ffn_in.weight.shape == (C, C)


@pytest.mark.parametrize("argument", ["dropout", "attention_dropout", "activation_dropout", "drop_path"])
def test_every_dropout_acts_in_training_only(argument: str):
    module, (x, bias) = layer(**{argument: 0.5}), inputs()
    torch.testing.assert_close(module(x, bias), layer()(x, bias))
    module.train()
    torch.manual_seed(0)
    assert not torch.allclose(module(x, bias), layer()(x, bias))


@pytest.mark.parametrize("argument", ["dropout", "drop_path"])
def test_both_branches_can_be_dropped(argument: str):
    module, (x, bias) = layer(**{argument: 1 - 1e-9}).train(), inputs()
    torch.testing.assert_close(module(x, bias), module.ffn_norm(module.attention_norm(x)))


def test_reset_draws_fresh_weights():
    module = layer()
    module.reset_parameters()
    for name, parameter in module.named_parameters():
        if "norm.weight" in name:
            assert (parameter == 1).all()
        elif name.endswith("bias"):
            assert (parameter == 0).all()
        else:
            assert 0.01 < parameter.std() < 0.03


def test_gradients_equal_finite_differences():
    module, (x, bias) = layer(), inputs()
    x.requires_grad_()
    bias.requires_grad_()
    assert samples.gradcheck_parameters(module, lambda: module(x, bias), [x, bias])


def test_printed_form():
    dropouts = "dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, drop_path=0.25"
    assert str(MoleBlendLayer(C, H, drop_path=0.25)) == f"MoleBlendLayer({C}, heads={H}, ffn_channels={C}, {dropouts})"
