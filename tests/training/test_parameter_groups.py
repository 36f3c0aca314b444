import pytest
import samples
import torch

from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.splits import random_split
from pyg_moleblend.training import Machine, Schedule, finetune
from pyg_moleblend.training.parameter_groups import parameter_groups

CONFIG = MoleBlendConfig(channels=8, num_layers=3, heads=2, ffn_channels=8)


def rates(schedule: Schedule, model=None) -> dict[str, float]:
    model = MoleBlendForPropertyPrediction(CONFIG, 1) if model is None else model
    names = {id(weight): name for name, weight in model.named_parameters()}
    groups = parameter_groups(model, schedule)
    found = {names[id(weight)]: group["lr"] for group in groups for weight in group["params"]}
    assert found.keys() == set(names.values())
    return found


def test_all_weights_have_one_rate_by_default():
    assert set(rates(Schedule(learning_rate=0.1)).values()) == {0.1}
    assert len(parameter_groups(MoleBlendForPretraining(CONFIG), Schedule())) == 1


def test_rates_fall_from_layer_to_layer():
    found = rates(Schedule(learning_rate=1.0, layer_decay=0.5, head_learning_rate=3.0))
    assert found["out.weight"] == found["dense.bias"] == 3
    assert [found[f"encoder.layers.{i}.ffn_in.weight"] for i in (2, 1, 0)] == [0.5, 0.25, 0.125]
    below = {name: rate for name, rate in found.items() if "encoder." in name and ".layers." not in name}
    assert set(below.values()) == {0.0625}
    assert "encoder.attention_bias.blend.relations.spd.table.weight" in below


def test_an_encoder_without_layers_has_no_rates_by_layer():
    with pytest.raises(ValueError, match="no `layers` whose learning rates could differ"):
        parameter_groups(torch.nn.ModuleDict({"encoder": torch.nn.Linear(2, 2)}), Schedule(layer_decay=0.5))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), None])
def test_a_decay_is_a_share(value):
    with pytest.raises(ValueError, match="`layer_decay` must be from 0 to 1"):
        Schedule(layer_decay=value)
    with pytest.raises(ValueError, match="`head_learning_rate` must be positive"):
        Schedule(head_learning_rate=0.0)


def test_a_frozen_encoder_stays_as_it_is(tmp_path):
    molecules = samples.molecules(12)
    for number, data in enumerate(molecules):
        data.y = torch.tensor([[float(number)]])
    encoder = MoleBlendForPropertyPrediction(CONFIG, 1).encoder
    runs = {}
    for decay in (0.0, 1.0):
        schedule = Schedule(epochs=2, batch_size=4, learning_rate=0.01, layer_decay=decay)
        machine = Machine(accelerator="cpu", progress=False)
        run = finetune(
            molecules, random_split(molecules), tmp_path / str(decay), encoder, schedule=schedule, machine=machine
        )
        runs[decay] = run.model
    same = [torch.equal(*pair) for pair in zip(encoder.parameters(), runs[0.0].encoder.parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(encoder.layers[0].ffn_in.weight, runs[1.0].encoder.layers[0].ffn_in.weight)
    assert not torch.equal(runs[0.0].out.weight, runs[1.0].out.weight)
