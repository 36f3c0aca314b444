import dataclasses
import json

import pytest
import samples

from pyg_moleblend.models import MoleBlendConfig

NAN, INFINITE = float("nan"), float("inf")
SIZES = ["channels", "num_layers", "heads", "ffn_channels", "num_gaussians"]
SIZES += ["max_path_length", "num_spd_classes", "pair_channels"]
PROBABILITIES = ["dropout", "attention_dropout", "activation_dropout", "drop_path"]

INVALID = [(name, value) for name in SIZES for value in (0, -3)]
INVALID += [(name, value) for name in PROBABILITIES for value in (-0.1, 1.0, 1.5, NAN)]
INVALID += [("noise_scale", value) for value in (-0.2, NAN, INFINITE)]
INVALID += [("relation_probabilities", value) for value in ((0.2, 0.2, 0.5), (-0.2, 0.6, 0.6), (), (NAN, 0.5, 0.5))]
INVALID += [("atom_feature_probabilities", value) for value in ((0.4, 0.5), (1.0,), (0.2, 0.2, 0.6), (NAN, 0.5))]
INVALID += [("blend_scope", "pair"), ("geometry_objective", "angle"), ("bond_vocabulary", "daylight")]
INVALID += [("loss_weights", {"spd": value}) for value in (-1.0, NAN, INFINITE)]


@pytest.mark.parametrize(("name", "value"), INVALID, ids=str)
def test_invalid_values_are_refused_and_named(name: str, value: object):
    with pytest.raises(ValueError, match=f"`{name}") as raised:
        samples.tiny_config(**{name: value})
    shown = str(next(iter(value.values())) if isinstance(value, dict) else value)
    assert shown in str(raised.value)


def test_heads_must_divide_channels():
    with pytest.raises(ValueError, match="got 10 and 4"):
        MoleBlendConfig(channels=10, heads=4)


def test_published_model():
    r"""Section 4.1 of the paper, and the release's pretraining script."""
    config = MoleBlendConfig.paper()
    assert (config.num_layers, config.channels, config.ffn_channels, config.heads) == (12, 768, 768, 32)
    assert (config.num_gaussians, config.max_path_length, config.num_spd_classes) == (128, 5, 11)
    assert (config.dropout, config.attention_dropout, config.activation_dropout, config.drop_path) == (0, 0.1, 0.1, 0.1)
    assert config.relation_probabilities == (0.2, 0.2, 0.6)
    assert config.atom_feature_probabilities == (0.4, 0.6)
    assert (config.noise_scale, config.geometry_objective) == (0.2, "displacement")
    weights = {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "denoising": 6.0}
    assert {name: config.loss_weights[name] for name in weights} == weights


def test_published_model_with_changes():
    changed = MoleBlendConfig.paper(num_layers=2, bond_vocabulary="release")
    assert (changed.num_layers, changed.bond_vocabulary, changed.channels) == (2, "release", 768)
    with pytest.raises(ValueError, match="got -1"):
        MoleBlendConfig.paper(num_layers=-1)


@pytest.mark.parametrize(
    "config",
    [
        MoleBlendConfig(),
        MoleBlendConfig.paper(geometry_objective="distance", blend_scope="batch"),
        samples.tiny_config(relation_probabilities=(0.2, 0.7, 0.1), loss_weights={"spd": 1.0, "mine": 0.3}),
    ],
    ids=["default", "paper", "own"],
)
def test_json_round_trip(config: MoleBlendConfig):
    again = MoleBlendConfig.from_json(config.to_json())
    assert again == config
    assert again.relation_probabilities == tuple(again.relation_probabilities)
    assert json.loads(config.to_json()) == config.to_dict()
    assert set(config.to_dict()) == {field.name for field in dataclasses.fields(MoleBlendConfig)}


def test_absent_keys_have_their_default_and_unknown_ones_are_refused():
    assert MoleBlendConfig.from_dict({"channels": 32, "heads": 2}) == MoleBlendConfig(channels=32, heads=2)
    with pytest.raises(ValueError, match=r"'hidden_size'.*known are.*'channels'"):
        MoleBlendConfig.from_dict({"channels": 32, "hidden_size": 32})


def test_configurations_do_not_share_weights_and_are_frozen():
    first, second = MoleBlendConfig(), MoleBlendConfig()
    assert first.loss_weights is not second.loss_weights
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.channels = 3
