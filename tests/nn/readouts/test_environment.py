import pytest
import samples
import torch
import torch.nn.functional as F
from torch import nn

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.models import MoleBlend, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import EnvironmentReadout, PairBlending
from pyg_moleblend.transforms import AddRelations


def test_an_inner_product_is_the_sum_of_a_gaussian_kernel_over_pairs_of_atoms():
    encoder = samples.randomized(MoleBlend(samples.tiny_config()))
    molecules = encoder.pack(samples.batch_of([AddRelations()(graph) for graph in samples.molecules(4)]))
    output = encoder.encode_with_hidden_states(molecules)
    readout = EnvironmentReadout(16, layers=(1,), size=50_000, bandwidth=0.8)
    vectors = readout(output, molecules)
    states = [F.layer_norm(output.hidden_states[1][i][molecules.mask[i]], (16,)) for i in range(4)]
    kernel = [
        [float((-(torch.cdist(a, b).detach() ** 2) / (2 * 16 * 0.8**2)).exp().sum()) for a in states] for b in states
    ]
    expected = torch.tensor(kernel)
    torch.testing.assert_close(2 * vectors @ vectors.T / readout.size, expected, atol=0.5, rtol=0.02)


def test_layers_stand_beside_each_other_and_company_does_not_matter():
    encoder = samples.randomized(MoleBlend(samples.tiny_config()))
    graphs = [AddRelations()(graph) for graph in samples.molecules(4)]
    readout = EnvironmentReadout(16, layers=(0, 2), size=8)
    together = encoder.pack(samples.batch_of(graphs))
    output = encoder.encode_with_hidden_states(together)
    atoms = [states.masked_fill(~together.mask[..., None], torch.nan) for states in output.hidden_states]
    vectors = readout(output._replace(hidden_states=tuple(atoms)), together)  # whatever padding holds
    assert vectors.shape == (4, readout.out_channels) == (4, 16)
    for number, graph in enumerate(graphs):
        alone = encoder.pack(samples.batch_of([graph]))
        torch.testing.assert_close(
            readout(encoder.encode_with_hidden_states(alone), alone)[0], vectors[number], atol=1e-4, rtol=1e-4
        )
    last = EnvironmentReadout(16, layers=(2,), size=8)
    last.frequencies, last.phases = readout.frequencies[1:], readout.phases[1:]
    torch.testing.assert_close(last(output, together), vectors[:, 8:])


def test_projections_follow_from_the_seed_and_are_saved_with_a_model(tmp_path):
    first, second, other = (EnvironmentReadout(16, (1,), 8, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.frequencies, second.frequencies)
    assert not torch.equal(first.phases, other.phases)
    model = MoleBlendForPropertyPrediction(samples.tiny_config(), 1, readout=EnvironmentReadout(16, (1, 2), 8))
    save_pretrained(model, tmp_path)
    loaded = from_pretrained(tmp_path)
    assert loaded.readout.layers == (1, 2)
    assert torch.equal(loaded.readout.frequencies, model.readout.frequencies)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": ()}, "`layers` must be the numbers of one layer or more"),
        ({"layers": (-1,)}, "`layers` must be the numbers of one layer or more"),
        ({"bandwidth": 0.0}, "`bandwidth` must be positive, got 0.0"),
        ({"size": 0}, "`size` must be an integer of at least 1, got 0"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        EnvironmentReadout(16, **arguments)


def test_an_encoder_that_has_not_these_layers_is_refused():
    encoder = MoleBlend(samples.tiny_config())
    molecules = encoder.pack(samples.batch_of(samples.molecules(2)))
    readout = EnvironmentReadout(16, layers=(3,))
    with pytest.raises(ValueError, match=r"output of the layers \(3,\), and the encoder has 2"):
        readout(readout.encode(encoder, molecules), molecules)
    with pytest.raises(ValueError, match="Identity has no encode_with_hidden_states"):
        readout.encode(nn.Identity(), molecules)


def test_a_model_that_blends_trains_through_it():
    model = MoleBlendForPropertyPrediction(
        samples.tiny_config(), 1, readout=EnvironmentReadout(16, (1, 2), 8), blending=PairBlending()
    ).train()
    model(samples.batch_of([AddRelations()(graph) for graph in samples.molecules(3)])).sum().backward()
    assert model.encoder.atom_embedding.features.weight.grad.abs().sum() > 0
