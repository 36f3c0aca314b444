import pytest
import samples
import torch

from pyg_moleblend.nn import AngleBias
from pyg_moleblend.utils import pack


def benzene_and_salt():
    return pack(samples.in_double(samples.molecules()[2]), ["spd"])


@pytest.mark.parametrize("terms", [1, 2, 3, 8])
def test_bias_is_a_cosine_series_of_the_angle(terms: int):
    module, molecules = samples.randomized(AngleBias(heads=3, num_cosines=terms)).double(), benzene_and_salt()
    bias, spd, pos = module(molecules), molecules.pairs["spd"][0], molecules.pos[0]
    seen = 0
    for i, k in molecules.pair_mask[0].nonzero().tolist():
        between = ((spd[i] == 1) & (spd[k] == 1)).nonzero().flatten().tolist()
        expected = torch.zeros(3, dtype=torch.float64)
        if spd[i, k] == 2:
            (j,) = between
            first, second = pos[i] - pos[j], pos[k] - pos[j]
            angle = torch.arccos(first @ second / first.norm() / second.norm())
            expected = sum((number * angle).cos() * module.weight[number] for number in range(terms))
            seen += 1
        torch.testing.assert_close(bias[0, :, i, k], expected)
    assert seen > 5


def test_bonded_and_distant_pairs_have_none():
    molecules = benzene_and_salt()
    bias = samples.randomized(AngleBias(heads=2)).double()(molecules).permute(0, 2, 3, 1)
    assert not bias[molecules.pairs["spd"] != 2].any()
    assert bias[molecules.pairs["spd"] == 2].any(-1).all()


def test_points_without_bonds_have_none():
    data = samples.molecules(1)[0]
    data.edge_index = data.edge_attr = None
    assert not samples.randomized(AngleBias(heads=2))(pack(data, ["spd"], modality="3d")).any()


def test_a_series_has_a_term():
    with pytest.raises(ValueError, match="got 0"):
        AngleBias(2, num_cosines=0)
