import numpy as np
import pytest
import torch

from pyg_moleblend.viz import plot_distance_maps


def test_panels_show_true_recovered_and_their_difference(tmp_path):
    pos = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    true = (pos[:, None] - pos).norm(dim=-1)
    recovered = true + 0.5
    figure = plot_distance_maps(true, recovered, "CCO")
    first, second, third = (axis.images[0].get_array() for axis in figure.axes[:3])
    np.testing.assert_allclose(first, true, rtol=1e-6)
    np.testing.assert_allclose(second, recovered, rtol=1e-6)
    np.testing.assert_allclose(third, 0.5 * (1 - np.eye(5)), atol=1e-6)
    assert "0.50 Å" in figure.axes[2].get_title()
    figure.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_one_atom_can_be_drawn():
    plot_distance_maps(torch.zeros(1, 1), torch.zeros(1, 1))


def test_matrices_must_fit_each_other():
    with pytest.raises(ValueError, match=r"\[3, 3\] and \[4, 4\]"):
        plot_distance_maps(torch.zeros(3, 3), torch.zeros(4, 4))
