import golden_data
import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.models import MoleBlend, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import GraphTokenReadout


def predictor(**changes: object) -> MoleBlendForPropertyPrediction:
    return samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(**changes), num_tasks=3))


@pytest.mark.parametrize(("modality", "key"), [("2d+3d", "finetune_logits_2d3d"), ("2d", "finetune_logits_2d")])
def test_golden_logits(modality: str, key: str):
    logits = golden_data.finetuned_model()(golden_data.public_batch(), modality)
    golden_data.assert_matches(logits, golden_data.public()[key])


def test_head_is_a_perceptron_of_the_graph_token():
    model, batch = predictor(), Batch.from_data_list(samples.molecules(4))
    hidden = torch.nn.functional.gelu(model.dense(model.encoder(batch).graph))
    output = model(batch)
    assert output.shape == (4, 3)
    samples.assert_same(output, hidden @ model.out.weight.T + model.out.bias)


def test_a_given_encoder_is_used_as_it_is():
    encoder = samples.randomized(MoleBlend(samples.tiny_config()))
    weights = {name: value.clone() for name, value in encoder.state_dict().items()}
    model = MoleBlendForPropertyPrediction(samples.tiny_config(), 2, encoder)
    assert model.encoder is encoder
    model.reset_head()
    assert all(torch.equal(value, weights[name]) for name, value in encoder.state_dict().items())
    model.reset_parameters()
    assert not torch.equal(encoder.graph_token, weights["graph_token"])


def test_dropout_of_the_head_acts_in_training_only():
    model, batch = predictor(dropout=0.5), Batch.from_data_list(samples.molecules(4))
    assert torch.equal(model(batch), model(batch))
    model.train()
    model.encoder.eval()
    torch.manual_seed(0)
    assert not torch.allclose(model(batch), model(batch))


@pytest.mark.parametrize("num_tasks", [0, -1])
def test_at_least_one_task(num_tasks: int):
    with pytest.raises(ValueError, match=f"got {num_tasks}"):
        MoleBlendForPropertyPrediction(samples.tiny_config(), num_tasks)


def test_a_readout_says_and_gives_one_vector_a_molecule():
    class Silent(GraphTokenReadout):
        def __init__(self, channels: int) -> None:
            super().__init__(channels)
            del self.out_channels

    class Atoms(GraphTokenReadout):
        def forward(self, output, molecules):
            return output.atoms

    config = samples.tiny_config()
    with pytest.raises(ValueError, match="must be a Readout that says its `out_channels`, got Silent"):
        MoleBlendForPropertyPrediction(config, 1, readout=Silent(config.channels))
    model = MoleBlendForPropertyPrediction(config, 1, readout=Atoms(config.channels))
    with pytest.raises(ValueError, match=rf"readout must give \[B, out_channels\] = \[4, {config.channels}\], got"):
        model(Batch.from_data_list(samples.molecules(4)))
