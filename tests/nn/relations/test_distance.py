import golden_data
import pytest
import samples
import torch
import torch.nn.functional as F

from pyg_moleblend.nn import DistanceBias, GaussianBasis
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.utils import pack


def test_golden_bias():
    model = golden_data.pretraining_model()
    molecules = golden_data.packed(model)
    bias = model.encoder.attention_bias.blend.relations["distance"](molecules)
    expected = golden_data.public()["bias_distance"]
    golden_data.assert_matches(bias.permute(0, 2, 3, 1), expected.permute(0, 2, 3, 1), molecules.pair_mask)


def test_bias_is_a_perceptron_of_each_pairs_basis():
    module = samples.randomized(DistanceBias(num_gaussians=4, heads=3))
    basis = torch.randn(2, 3, 3, 4)
    bias = module(pack(samples.molecules(1)[0])._replace(pairs={GAUSSIANS: basis}))
    hidden = F.gelu(basis @ module.linear1.weight.T + module.linear1.bias)
    expected = hidden @ module.linear2.weight.T + module.linear2.bias
    assert DistanceBias.modality == "3d"
    torch.testing.assert_close(bias, expected.permute(0, 3, 1, 2))


def test_a_basis_of_its_own_does_what_the_encoders_does():
    own = samples.randomized(DistanceBias(3, 4, num_types=119))
    shared = DistanceBias(3, 4)
    shared.load_state_dict({name: value for name, value in own.state_dict().items() if "basis" not in name})
    molecules = pack(samples.molecules(1)[0])
    basis = own.basis(pair_distances(molecules.pos), molecules.x[..., 0])
    assert torch.equal(own(molecules), shared(molecules.with_pair(GAUSSIANS, basis)))
    assert own.component_arguments() == {"heads": 3, "num_gaussians": 4, "num_types": 119}
    before = own.basis.means.clone()
    own.reset_parameters()
    assert not torch.equal(own.basis.means, before)


def test_without_any_basis_the_remedy_is_named():
    with pytest.raises(ValueError, match=r"'gaussians'.*DistanceBias\(heads, num_gaussians, num_types=119\)"):
        DistanceBias(3, 4)(pack(samples.molecules(1)[0]))


def test_gradients_equal_finite_differences_down_to_the_coordinates():
    module = samples.randomized(DistanceBias(num_gaussians=3, heads=2).double())
    basis = samples.randomized(GaussianBasis(num_gaussians=3).double(), std=0.1)
    molecules = pack(samples.in_double(samples.molecules(1)[0]))
    pos = molecules.pos.clone().requires_grad_()
    pos.data[0, 1] = pos.data[0, 0] + 0.3  # near each other

    def bias() -> torch.Tensor:
        return module(molecules.with_pair(GAUSSIANS, basis(pair_distances(pos), molecules.x[..., 0])))

    assert samples.gradcheck_parameters(module, bias, [pos])
