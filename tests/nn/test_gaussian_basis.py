import math

import pytest
import samples
import torch
from torch.distributions import Normal

from pyg_moleblend.nn import GaussianBasis
from pyg_moleblend.nn.gaussian_basis import pair_distances


def positions(*shape: int) -> torch.Tensor:
    return 2 * torch.randn(*shape, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_basis_is_the_normal_density_of_the_affine_map():
    module = samples.randomized(GaussianBasis(num_gaussians=6, num_types=4).double())
    distance, types = pair_distances(positions(2, 5)), torch.tensor([[0, 1, 2, 3, 0], [3, 3, 1, 0, 2]])
    gaussians = module(distance, types)
    correction = math.sqrt(math.pi / 3.14159)  # the published model's value of pi
    for b, i, j in torch.ones(2, 5, 5).nonzero().tolist():
        gamma = module.scale[0, types[b, i]] + module.scale[1, types[b, j]]
        beta = module.shift[0, types[b, i]] + module.shift[1, types[b, j]]
        density = Normal(module.means, module.stds.abs() + 0.01).log_prob(gamma * distance[b, i, j] + beta).exp()
        torch.testing.assert_close(gaussians[b, i, j], density * correction)


def test_basis_is_computed_in_full_precision():
    module = GaussianBasis(num_gaussians=6)
    distance, types = pair_distances(positions(1, 4)).float(), torch.tensor([[5, 6, 7, 8]])
    expected = module(distance, types)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module(distance, types), expected)
    module.half()
    assert module(distance, types).dtype == torch.float32
    assert module.double()(distance.double(), types).dtype == torch.float64


def test_far_away_there_are_no_denormal_numbers():
    gaussians = GaussianBasis(num_gaussians=6)(torch.full((1, 2, 2), 1e4), torch.zeros(1, 2).long())
    assert (gaussians >= torch.finfo(torch.float32).tiny).all()
    assert (gaussians < 1e-30).all()


def test_distances_are_euclidean_and_do_not_move():
    pos = positions(3, 6)
    torch.testing.assert_close(pair_distances(pos), torch.cdist(pos, pos))
    torch.testing.assert_close(pair_distances(pos @ samples.rotation().T + 5), pair_distances(pos))


def test_distances_of_coincident_atoms_have_zero_gradient():
    pos = positions(1, 3)
    pos[0, 1] = pos[0, 0]
    pos.requires_grad_()
    distance = pair_distances(pos)
    assert distance[0, 0, 1] == distance[0, 0, 0] == 0
    (gradient,) = torch.autograd.grad(distance[0, 0, 1] + distance[0, 2, 2], pos)
    assert (gradient == 0).all()
    assert torch.autograd.grad(pair_distances(pos).sum(), pos)[0].isfinite().all()


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_equal_finite_differences(seed: int):
    module = samples.randomized(GaussianBasis(num_gaussians=4, num_types=3).double(), seed, std=0.1)
    module.stds.data += 0.3
    pos, types = positions(2, 4).requires_grad_(), torch.tensor([[0, 1, 2, 2], [1, 1, 0, 2]])
    assert samples.gradcheck_parameters(module, lambda: module(pair_distances(pos), types), [pos])
