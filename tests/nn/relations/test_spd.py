import golden_data
import samples
import torch

from pyg_moleblend.fields import SPD_MAX, SPD_UNREACHABLE
from pyg_moleblend.nn import SPDBias
from pyg_moleblend.utils import pack


def test_golden_bias():
    model = golden_data.pretraining_model()
    molecules = golden_data.packed(model)
    bias = model.encoder.attention_bias.blend.relations["spd"](molecules)
    expected = golden_data.public()["bias_shortest_path"]
    golden_data.assert_matches(bias.permute(0, 2, 3, 1), expected.permute(0, 2, 3, 1), molecules.pair_mask)


def test_every_distance_has_numbers_of_its_own():
    module = samples.randomized(SPDBias(heads=3))
    molecules = pack(samples.methane_like(pos=torch.zeros(2, 3)))
    values = torch.arange(256).byte().view(64, 2, 2)
    bias = module(molecules._replace(pairs={"spd": values}))
    assert bias.shape == (64, 3, 2, 2)
    for spd in (0, 1, 2, 17, SPD_MAX, SPD_UNREACHABLE):
        assert torch.equal(bias[spd // 4, :, spd // 2 % 2, spd % 2], module.table.weight[spd])
    assert module.table.weight.unique(dim=0).size(0) == 256


def test_gradients_equal_finite_differences():
    module = samples.randomized(SPDBias(heads=2).double())
    molecules = pack(samples.molecules(1)[0])
    assert (molecules.pairs["spd"] == SPD_UNREACHABLE).any()
    assert samples.gradcheck_parameters(module, lambda: module(molecules))
