import math

import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.nn import TorsionBias
from pyg_moleblend.utils import pack


def butane(angle: float) -> Data:
    r"""A chain of four atoms with right angles and this dihedral angle."""
    pos = torch.tensor(
        [[0, 1.5, 0], [0, 0, 0], [0, 0, -1.5], [1.5 * math.sin(angle), 1.5 * math.cos(angle), -1.5]],
        dtype=torch.float64,
    )
    edges = torch.tensor([[0, 1, 2, 1, 2, 3], [1, 2, 3, 0, 1, 2]])
    return samples.methane_like(pos=pos, edge_index=edges, edge_attr=torch.zeros(6, 3, dtype=torch.long))


def bias_of(module: TorsionBias, angle: float) -> Tensor:
    return module(pack(butane(angle), ["spd"]))[0, :, 0, 3]


@pytest.mark.parametrize("harmonics", [1, 3])
@pytest.mark.parametrize("angle", [0.0, 0.7, -0.7, 2.0, math.pi])
def test_bias_is_a_fourier_series_of_the_dihedral_angle(harmonics: int, angle: float):
    module = samples.randomized(TorsionBias(heads=3, harmonics=harmonics)).double()
    turns = torch.arange(1, harmonics + 1) * torch.tensor(angle, dtype=torch.float64)
    expected = module.constant + turns.cos() @ module.cosine + turns.sin() @ module.sine
    torch.testing.assert_close(bias_of(module, angle), expected)


def test_it_is_periodic():
    module = samples.randomized(TorsionBias(heads=3)).double()
    torch.testing.assert_close(bias_of(module, math.pi - 1e-7), bias_of(module, -math.pi + 1e-7), rtol=0, atol=1e-5)


def test_without_sines_a_mirror_image_is_the_same():
    module = samples.randomized(TorsionBias(heads=3)).double()
    assert not torch.allclose(bias_of(module, 1.0), bias_of(module, -1.0))
    with torch.no_grad():
        module.sine.zero_()
    torch.testing.assert_close(bias_of(module, 1.0), bias_of(module, -1.0))


def test_only_pairs_three_bonds_apart_have_one():
    molecules = pack(samples.molecules()[2], ["spd"])
    bias = samples.randomized(TorsionBias(heads=2))(molecules).permute(0, 2, 3, 1)
    assert not bias[molecules.pairs["spd"] != 3].any()
    assert bias[molecules.pairs["spd"] == 3].any(-1).all()


def test_both_directions_of_a_path_have_the_same():
    bias = samples.randomized(TorsionBias(heads=2)).double()(pack(samples.in_double(samples.molecules()[2]), ["spd"]))
    torch.testing.assert_close(bias, bias.mT)


def test_a_series_has_a_term():
    with pytest.raises(ValueError, match="got 0"):
        TorsionBias(2, harmonics=0)
