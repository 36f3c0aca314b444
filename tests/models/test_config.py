import dataclasses
import json

import pytest
import samples

from pyg_moleblend.models import MoleBlend, MoleBlendConfig, MoleBlendForPretraining, default_objectives
from pyg_moleblend.models.config import check_encoder
from pyg_moleblend.nn import DisplacementRecovery, PairBlending

NAN, INFINITE = float("nan"), float("inf")
SIZES = ["channels", "num_layers", "heads", "ffn_channels", "num_gaussians", "max_path_length"]
PROBABILITIES = ["dropout", "attention_dropout", "activation_dropout", "drop_path"]

INVALID = [(name, value) for name in SIZES for value in (0, -3, 2.0, "4", True, None)]
INVALID += [(name, value) for name in PROBABILITIES for value in (-0.1, 1.0, 1.5, NAN, INFINITE, "0.1", None)]


@pytest.mark.parametrize(("name", "value"), INVALID, ids=str)
def test_invalid_values_are_refused_and_named(name: str, value: object):
    with pytest.raises(ValueError, match=f"`{name}") as raised:
        samples.tiny_config(**{name: value})
    assert str(value) in str(raised.value)


def test_a_slip_of_the_pen_is_not_built():
    with pytest.raises(ValueError, match="`num_layers` must be at most 1000, got 65536"):
        MoleBlendConfig(num_layers=65536)


def test_heads_must_divide_channels():
    with pytest.raises(ValueError, match="got 10 and 4"):
        MoleBlendConfig(channels=10, heads=4)


def test_published_model():
    r"""Section 4.1 of the paper, and the release's pretraining script."""
    config = MoleBlendConfig.paper()
    assert (config.num_layers, config.channels, config.ffn_channels, config.heads) == (12, 768, 768, 32)
    assert (config.num_gaussians, config.max_path_length) == (128, 5)
    assert (config.dropout, config.attention_dropout, config.activation_dropout, config.drop_path) == (0, 0.1, 0.1, 0.1)


def test_published_pretraining():
    r"""What is blended, with which noise, what is predicted and how it is weighted, of a model that says nothing."""
    model = MoleBlendForPretraining(MoleBlendConfig(channels=8, num_layers=1, heads=2, ffn_channels=8))
    published = PairBlending(
        {"spd": 0.2, "bond_path": 0.2, "distance": 0.6}, 0.0, {"degree": 0.4, "distance": 0.6}, noise_scale=0.2
    )
    assert type(model.blending) is PairBlending
    assert model.blending.component_arguments() == published.component_arguments()
    assert model.blending.noise_scale == 0.2
    assert model.loss_weighting.weights == {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "denoising": 6.0}
    objectives = default_objectives(MoleBlendConfig.paper())
    assert objectives["spd"].num_classes == 11
    assert (objectives["bond_path"].max_path_length, objectives["bond_path"].num_classes) == (5, 60)
    assert isinstance(objectives["displacement"], DisplacementRecovery)
    assert objectives["spd"].head.row.out_features == objectives["bond_path"].head.row.out_features == 32
    assert objectives["displacement"].head.row.out_features == 32


def test_published_model_with_changes():
    changed = MoleBlendConfig.paper(num_layers=2, max_path_length=7)
    assert (changed.num_layers, changed.max_path_length, changed.channels) == (2, 7, 768)
    with pytest.raises(ValueError, match="got -1"):
        MoleBlendConfig.paper(num_layers=-1)
    with pytest.raises(ValueError, match=r"unknown configuration keys \['chanels'\]; known are \['activation_dropout'"):
        MoleBlendConfig.paper(chanels=8)


@pytest.mark.parametrize(
    "config",
    [
        MoleBlendConfig(),
        MoleBlendConfig.paper(max_path_length=3),
        samples.tiny_config(dropout=0.25, drop_path=0.125),
    ],
    ids=["default", "paper", "own"],
)
def test_json_round_trip(config: MoleBlendConfig):
    again = MoleBlendConfig.from_json(config.to_json())
    assert again == config
    assert hash(again) == hash(config)
    assert json.loads(config.to_json()) == config.to_dict()
    assert set(config.to_dict()) == {field.name for field in dataclasses.fields(MoleBlendConfig)}


def test_absent_keys_have_their_default_and_unknown_ones_are_refused():
    assert MoleBlendConfig.from_dict({"channels": 32, "heads": 2}) == MoleBlendConfig(channels=32, heads=2)
    with pytest.raises(ValueError, match=r"'hidden_size'.*known are.*'channels'"):
        MoleBlendConfig.from_dict({"channels": 32, "hidden_size": 32})


def test_models_do_not_share_weights_and_configurations_are_frozen():
    config = samples.tiny_config()
    first, second = MoleBlendForPretraining(config), MoleBlendForPretraining(config)
    assert first.loss_weighting.weights is not second.loss_weighting.weights
    assert first.blending is not second.blending
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.channels = 3


@pytest.mark.parametrize("name", [name for name in SIZES if name != "channels"])
def test_an_encoder_of_another_shape_is_told_by_what_differs(name: str):
    config = samples.tiny_config()
    changed = dataclasses.replace(config, **{name: 2 * getattr(config, name)})
    check_encoder(config, MoleBlend(dataclasses.replace(config, dropout=0.5)))  # a dropout is no shape
    with pytest.raises(ValueError, match=rf"{name} \({getattr(config, name)} and {getattr(changed, name)}\)"):
        check_encoder(config, MoleBlend(changed))
