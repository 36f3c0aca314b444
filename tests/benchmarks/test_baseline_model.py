import pytest
import samples
import torch
from torch_geometric.data import Batch

from benchmarks.baseline.pretraining import PlainPretraining
from benchmarks.baseline.weights import copy_weights, plain_batch
from benchmarks.model_runs import release_like


@pytest.mark.parametrize("seed", [0, 1])
def test_the_plain_baseline_gives_our_losses_and_the_gradient_of_our_states(seed: int):
    r"""What is compared for speed computes the same."""
    config = samples.tiny_config()
    ours = samples.randomized(release_like(config), seed)
    plain = PlainPretraining(config).eval()
    copy_weights(ours, plain)
    molecules = ours.pack(Batch.from_data_list(samples.molecules(6)))
    blend = ours.draw_blend(molecules, torch.Generator().manual_seed(seed))
    step, losses = ours.score(molecules, blend), plain(plain_batch(molecules), blend)
    assert losses.keys() == step.losses.keys()
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(step.losses[name].item(), rel=1e-5), name
    total = ours.loss_weighting(losses)
    (expected,) = torch.autograd.grad(total, plain.encoder.token)
    (gradient,) = torch.autograd.grad(step.loss, ours.encoder.graph_token)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)
