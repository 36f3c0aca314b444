import golden_data
import pytest
import samples
import torch
from torch import Tensor

from pyg_moleblend.nn import DenoisingHead

B, N, C, H = 2, 4, 6, 2


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((B, N, C), (B, H, N, N), (B, N, 3))
    return tuple(torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes)


def head(**arguments: float) -> DenoisingHead:
    return samples.randomized(DenoisingHead(C, H, **arguments).double())


def test_golden_output_without_blending():
    model, golden = golden_data.pretraining_model(), golden_data.public()
    molecules = golden_data.packed(model)
    bias = model.encoder.attention_bias(molecules)[:, :, 1:, 1:]
    output = model.objectives["denoising"].head(golden["encoder_2d3d"][-1][:, 1:], bias, molecules.pos)
    golden_data.assert_matches(output, golden["denoise_2d3d"], molecules.mask)


def test_golden_output_of_the_blend():
    model = golden_data.pretraining_model()
    state = golden_data.blended_state(model)
    output = model.objectives["denoising"](state)
    counted = state.molecules.mask & (state.blend.atom_feature == 1)
    golden_data.assert_matches(output, golden_data.public()["head_denoise"], counted)


def test_output_against_a_plain_loop():
    module, (atoms, bias, pos) = head(), inputs()
    query, key, value = module.qkv(atoms).chunk(3, -1)
    width = C // H
    expected = module.bias.expand(B, N, 3).clone()
    for b in range(B):
        for i in range(N):
            mixed = torch.zeros(3, C, dtype=torch.float64)
            for h in range(H):
                part = slice(h * width, (h + 1) * width)
                weights = (key[b, :, part] @ query[b, i, part] / width**0.5 + bias[b, h, i]).softmax(0)
                for j in range(N):
                    unit = (pos[b, j] - pos[b, i]) / ((pos[b, j] - pos[b, i]).norm() + 1e-5)
                    mixed[:, part] += weights[j] * unit[:, None] * value[b, j, part]
            expected[b, i] += (mixed * module.axes).sum(1)
    torch.testing.assert_close(module(atoms, bias, pos), expected)


def test_a_shift_changes_nothing():
    module, (atoms, bias, pos) = head(), inputs()
    torch.testing.assert_close(module(atoms, bias, pos + 7), module(atoms, bias, pos))


def test_output_turns_with_the_molecule_when_the_axes_are_alike():
    module, (atoms, bias, pos) = head(), inputs()
    module.axes.data[:] = module.axes.data[0].clone()
    module.bias.data.zero_()
    turn = samples.rotation()
    torch.testing.assert_close(module(atoms, bias, pos @ turn.T), module(atoms, bias, pos) @ turn.T)


def test_atoms_alone_or_on_one_point_get_the_bias():
    module, (atoms, bias, pos) = head(), inputs()
    output = module(atoms, bias, torch.zeros_like(pos))
    torch.testing.assert_close(output, module.bias.expand_as(output))
    alone = module(atoms[:, :1], bias[:, :, :1, :1], pos[:, :1])
    torch.testing.assert_close(alone, module.bias.expand_as(alone))


def test_dropout_acts_in_training_only():
    module, arguments = head(dropout=0.5), inputs()
    assert torch.equal(module(*arguments), module(*arguments))
    module.train()
    torch.manual_seed(0)
    assert not torch.allclose(module(*arguments), module(*arguments))


@pytest.mark.parametrize("coincide", [False, True])
def test_gradients_equal_finite_differences(coincide: bool):
    module, (atoms, bias, pos) = head(), inputs()
    atoms.requires_grad_()
    bias.requires_grad_()
    leaves = [atoms, bias]
    if coincide:
        pos[0, 1] = pos[0, 0]
    else:
        leaves.append(pos.requires_grad_())
    assert samples.gradcheck_parameters(module, lambda: module(atoms, bias, pos), leaves)


def test_gradient_of_coincident_coordinates_is_finite():
    module, (atoms, bias, pos) = head(), inputs()
    pos[0, 1] = pos[0, 0]
    pos.requires_grad_()
    module(atoms, bias, pos).sum().backward()
    assert pos.grad.isfinite().all()


def test_heads_must_divide_channels():
    with pytest.raises(ValueError, match="got 6 and 4"):
        DenoisingHead(6, 4)
