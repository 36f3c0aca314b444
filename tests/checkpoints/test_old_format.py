r"""Folders of the first format: one configuration for everything, written here by hand as it was then."""

import json
from pathlib import Path
from typing import Any

import pytest
import samples
import torch
from safetensors.torch import save_file
from torch import nn
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, read_metadata, save_pretrained
from pyg_moleblend.checkpoints.old_format import is_old, updated
from pyg_moleblend.components import describe
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import BatchBlending, DisplacementRecovery, DistanceRecovery, FixedWeights, PairBlending

CONFIG: dict[str, Any] = {
    "channels": 16,
    "num_layers": 2,
    "heads": 4,
    "ffn_channels": 24,
    "num_gaussians": 8,
    "max_path_length": 5,
    "dropout": 0.0,
    "attention_dropout": 0.1,
    "activation_dropout": 0.1,
    "drop_path": 0.0,
    "relation_probabilities": [0.2, 0.2, 0.6],
    "atom_feature_probabilities": [0.4, 0.6],
    "blend_scope": "molecule",
    "noise_scale": 0.2,
    "geometry_objective": "displacement",
    "bond_vocabulary": "ogb",
    "num_spd_classes": 11,
    "pair_channels": 32,
    "loss_weights": {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "distance": 0.5, "denoising": 6.0},
}
OWN: dict[str, Any] = {
    "max_path_length": 3,
    "relation_probabilities": [0.1, 0.7, 0.2],
    "atom_feature_probabilities": [0.9, 0.1],
    "blend_scope": "batch",
    "noise_scale": 0.5,
    "geometry_objective": "distance",
    "bond_vocabulary": "release",
    "num_spd_classes": 5,
    "pair_channels": 6,
    "loss_weights": {"spd": 1.0, "bond_path": 2.0, "distance": 3.0, "denoising": 4.0},
}


def written(folder: Path, model: nn.Module, config: dict[str, Any] = CONFIG, **more: Any) -> Path:
    r"""The folder that the first format had for a model."""
    description = {"class": type(model).__name__, "config": config, **more, "metadata": {"targets": ["gap"]}}
    (folder / "config.json").write_text(json.dumps(description, indent=2))
    save_file({name: value.clone() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    return folder


def batch() -> Batch:
    return Batch.from_data_list(samples.molecules())


def test_an_encoder(tmp_path: Path):
    model = samples.randomized(MoleBlend(samples.tiny_config()))
    again = from_pretrained(written(tmp_path, model))
    assert type(again) is MoleBlend
    assert not again.training
    assert describe(again) == describe(model)
    assert torch.equal(again(batch()).graph, model(batch()).graph)
    assert read_metadata(tmp_path) == {"targets": ["gap"]}


def test_a_predictor(tmp_path: Path):
    model = samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), 3))
    again = from_pretrained(written(tmp_path, model, {**CONFIG, **OWN, "max_path_length": 5}, num_tasks=3))
    assert type(again) is MoleBlendForPropertyPrediction
    assert describe(again) == describe(model)
    assert torch.equal(again(batch()), model(batch()))


def test_a_pretrained_model_of_the_published_settings(tmp_path: Path):
    model = samples.randomized(MoleBlendForPretraining(samples.tiny_config()))
    again = from_pretrained(written(tmp_path, model))
    assert describe(again) == describe(model)
    first, second = (each(batch(), generator=torch.Generator().manual_seed(0)) for each in (model, again))
    assert first.loss == second.loss
    assert isinstance(again.objectives["displacement"], DisplacementRecovery)


def test_a_pretrained_model_of_settings_of_its_own(tmp_path: Path):
    blending = BatchBlending(
        {"spd": 0.1, "bond_path": 0.7, "distance": 0.2}, 0.0, {"degree": 0.9, "distance": 0.1}, noise_scale=0.5
    )
    model = samples.tiny_pretraining(
        samples.tiny_config(max_path_length=3),
        blending,
        OWN["loss_weights"],
        geometry="distance",
        vocabulary="release",
        num_spd_classes=5,
    )
    again = from_pretrained(written(tmp_path, samples.randomized(model), {**CONFIG, **OWN}))
    assert describe(again) == describe(model)
    assert type(again.blending) is BatchBlending
    assert list(again.blending.relations.probabilities.items()) == [
        ("spd", 0.1), ("bond_path", 0.7), ("distance", 0.2),
    ]  # fmt: skip
    assert isinstance(again.objectives["distance"], DistanceRecovery)
    assert again.objectives["bond_path"].num_classes == 24
    assert isinstance(again.loss_weighting, FixedWeights)
    assert again.loss_weighting.weights == OWN["loss_weights"]
    first, second = (each(batch(), generator=torch.Generator().manual_seed(0)) for each in (model, again))
    assert all(torch.equal(a, b) for a, b in zip(first.blend, second.blend, strict=True))
    assert first.loss == second.loss


@pytest.mark.parametrize(("scope", "kind"), [("molecule", PairBlending), ("batch", BatchBlending)])
def test_probabilities_keep_their_order_and_the_scope_its_meaning(scope: str, kind: type, tmp_path: Path):
    config = {**CONFIG, "relation_probabilities": [1.0, 0.0, 0.0], "blend_scope": scope}
    model = MoleBlendForPretraining(samples.tiny_config())
    for number, name in enumerate(("spd", "bond_path", "distance")):
        config["relation_probabilities"] = [float(position == number) for position in range(3)]
        again = from_pretrained(written(tmp_path, model, config))
        assert type(again.blending) is kind
        assert (again(batch()).blend.relation == list(again.modalities).index(name)).all()


def test_keys_that_are_not_there_have_their_default_of_then(tmp_path: Path):
    few = {key: CONFIG[key] for key in ("channels", "num_layers", "heads", "ffn_channels", "num_gaussians")}
    model = samples.randomized(MoleBlendForPretraining(samples.tiny_config()))
    again = from_pretrained(written(tmp_path, model, few))
    assert describe(again) == describe(model)


def test_an_encoder_of_each_class(tmp_path: Path):
    config = samples.tiny_config()
    models = [MoleBlend(config), MoleBlendForPretraining(config), MoleBlendForPropertyPrediction(config, 1)]
    for model in models:
        more = {"num_tasks": 1} if isinstance(model, MoleBlendForPropertyPrediction) else {}
        encoder = encoder_from_pretrained(written(tmp_path, samples.randomized(model), **more))
        expected = getattr(model, "encoder", model)
        assert type(encoder) is MoleBlend
        assert torch.equal(encoder(batch()).graph, expected(batch()).graph)


def test_it_is_written_in_the_new_format(tmp_path: Path):
    old = written(tmp_path, samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), 2)), num_tasks=2)
    model = from_pretrained(old)
    new = save_pretrained(model, tmp_path / "new", read_metadata(old))
    assert not is_old(json.loads((new / "config.json").read_text()))
    again = from_pretrained(new)
    assert torch.equal(again(batch()), model(batch()))
    assert read_metadata(new) == {"targets": ["gap"]}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("class", "BertModel", "'BertModel'; known are.*MoleBlendForPretraining"),
        ("config", {"channels": 16, "width": 3}, r"unknown configuration keys \['width'\]"),
        ("num_tasks", None, r"lacks the keys \['num_tasks'\]"),
        ("config", None, r"lacks the keys \['config'\]"),
        ("metadata", None, r"lacks the keys \['metadata'\]"),
    ],
)
def test_what_the_configuration_says_is_checked(key: str, value: object, message: str, tmp_path: Path):
    model = MoleBlendForPropertyPrediction(samples.tiny_config(), num_tasks=3)
    written(tmp_path, model, num_tasks=3)
    description = json.loads((tmp_path / "config.json").read_text())
    if value is None:
        del description[key]
    else:
        description[key] = value
    (tmp_path / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=message) as raised:
        from_pretrained(tmp_path)
    assert str(tmp_path / "config.json") in str(raised.value)


@pytest.mark.parametrize(
    "change",
    [
        {"config": None},
        {"config": [1]},
        {"config": {"relation_probabilities": "x"}},
        {"config": {"relation_probabilities": "xyz"}},
        {"config": {"relation_probabilities": [0.5, 0.5]}},
        {"config": {"relation_probabilities": [0.5, 0.5, 0.5]}},
        {"config": {"relation_probabilities": None}},
        {"config": {"atom_feature_probabilities": [1.0]}},
        {"config": {"blend_scope": "pair"}},
        {"config": {"blend_scope": []}},
        {"config": {"geometry_objective": "angle"}},
        {"config": {"bond_vocabulary": "daylight"}},
        {"config": {"num_spd_classes": 0}},
        {"config": {"num_spd_classes": -3}},
        {"config": {"pair_channels": -1}},
        {"config": {"noise_scale": -0.2}},
        {"config": {"loss_weights": [1]}},
        {"config": {"loss_weights": {"spd": 1.0}}},
        {"config": {"channels": "256"}},
        {"class": []},
        {"class": None},
        {"metadata": []},
        {"class": "MoleBlendForPropertyPrediction", "num_tasks": "3"},
    ],
    ids=str,
)
def test_a_description_of_no_model_is_refused_and_its_file_named(change: dict, tmp_path: Path):
    written(tmp_path, MoleBlendForPretraining(samples.tiny_config()))
    description = json.loads((tmp_path / "config.json").read_text())
    config = {**CONFIG, **change["config"]} if isinstance(change.get("config"), dict) else change.get("config", CONFIG)
    (tmp_path / "config.json").write_text(json.dumps({**description, **change, "config": config}))
    with pytest.raises(ValueError, match=r"config\.json"):
        from_pretrained(tmp_path)


def test_the_given_description_is_not_written_to():
    description = {"class": "MoleBlendForPretraining", "config": json.loads(json.dumps(CONFIG)), "metadata": {}}
    before = json.dumps(description)
    assert is_old(description)
    updated(description, Path("config.json"))
    assert json.dumps(description) == before
