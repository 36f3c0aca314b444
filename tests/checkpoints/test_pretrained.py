import json
from pathlib import Path

import golden_data
import pytest
import samples
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints import (
    encoder_from_pretrained,
    from_pretrained,
    load_weights,
    read_metadata,
    save_pretrained,
)
from pyg_moleblend.components import describe
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_relations,
)
from pyg_moleblend.nn import BatchBlending


def encoder(**changes: object) -> MoleBlend:
    return samples.randomized(MoleBlend(samples.tiny_config(**changes)))


def pretraining() -> MoleBlendForPretraining:
    blending = BatchBlending({"spd": 0.5, "3d": 0.25}, none=0.25, noise_scale=0.5)
    config, weights = samples.tiny_config(max_path_length=3), {"distance": 2.0}
    model = samples.tiny_pretraining(config, blending, weights, geometry="distance", vocabulary="release")
    return samples.randomized(model)


def predictor() -> MoleBlendForPropertyPrediction:
    return samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), num_tasks=3))


@pytest.mark.parametrize("make", [encoder, pretraining, predictor])
def test_round_trip(make, tmp_path: Path):
    model = make().train()
    assert save_pretrained(model, tmp_path / "new" / "folder") == tmp_path / "new" / "folder"
    again = from_pretrained(tmp_path / "new" / "folder")
    assert type(again) is type(model)
    assert again.config == model.config
    assert describe(again) == describe(model)
    assert not again.training
    assert model.state_dict().keys() == again.state_dict().keys()
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


def test_outputs_survive(tmp_path: Path):
    model, batch = predictor(), Batch.from_data_list(samples.molecules())
    assert torch.equal(from_pretrained(save_pretrained(model, tmp_path))(batch), model(batch))


def test_a_pretrained_model_draws_predicts_and_weighs_as_before(tmp_path: Path):
    model, batch = pretraining(), Batch.from_data_list(samples.molecules())
    first, again = (
        each(batch, generator=torch.Generator().manual_seed(0))
        for each in (model, from_pretrained(save_pretrained(model, tmp_path)))
    )
    assert all(torch.equal(a, b) for a, b in zip(first.blend, again.blend, strict=True))
    assert again.losses == first.losses
    assert again.loss == first.loss
    assert all(torch.equal(value, again.predictions[name]) for name, value in first.predictions.items())


def test_an_imported_release_can_be_saved(tmp_path: Path):
    model = golden_data.finetuned_model()
    again = from_pretrained(str(save_pretrained(model, tmp_path)))
    golden_data.assert_matches(again(golden_data.public_batch()), golden_data.public()["finetune_logits_2d3d"])


def test_files_are_readable_without_us(tmp_path: Path):
    model = predictor()
    save_pretrained(model, tmp_path, {"targets": ["a", "b", "c"], "mean": 1.5})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    description = json.loads((tmp_path / "config.json").read_text())
    assert description["format"] == 2
    assert description["model"]["component"] == "MoleBlendForPropertyPrediction"
    arguments = description["model"]["arguments"]
    assert arguments["num_tasks"] == 3
    assert arguments["config"]["component"] == "MoleBlendConfig"
    assert arguments["config"]["arguments"] == model.config.to_dict()
    assert arguments["readout"] == {"component": "GraphTokenReadout", "arguments": {"channels": 16}}
    assert arguments["encoder"]["component"] == "MoleBlend"
    assert list(arguments["encoder"]["arguments"]["relations"]) == ["spd", "bond_path", "distance"]
    assert load_file(tmp_path / "model.safetensors").keys() == model.state_dict().keys()
    assert read_metadata(tmp_path) == description["metadata"] == {"targets": ["a", "b", "c"], "mean": 1.5}


def test_metadata_is_empty_by_default(tmp_path: Path):
    assert read_metadata(save_pretrained(encoder(), tmp_path)) == {}


def test_saving_again_replaces(tmp_path: Path):
    save_pretrained(pretraining(), tmp_path, {"first": 1})
    save_pretrained(encoder(), tmp_path)
    assert isinstance(from_pretrained(tmp_path), MoleBlend)
    assert read_metadata(tmp_path) == {}


def forget_checksum(folder: Path) -> None:
    r"""Makes of a saved model one of an earlier version, which did not say it."""
    content = json.loads((folder / "config.json").read_text())
    del content["sha256"]
    (folder / "config.json").write_text(json.dumps(content))


def test_one_changed_weight_is_noticed(tmp_path: Path):
    save_pretrained(predictor(), tmp_path)
    path = tmp_path / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    for load in (from_pretrained, encoder_from_pretrained):
        with pytest.raises(ValueError, match=r"its checksum is not the one in config\.json"):
            load(tmp_path)


def test_weights_that_do_not_fit_are_named(tmp_path: Path):
    save_pretrained(predictor(), tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["dense.bias"]
    weights["surplus"] = torch.zeros(2)
    weights["out.weight"] = torch.zeros(2, 16)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="is not the file that was saved"):
        from_pretrained(tmp_path)
    forget_checksum(tmp_path)
    with pytest.raises(ValueError, match="do not fit") as raised:
        from_pretrained(tmp_path)
    for fault in ("missing dense.bias", "unexpected surplus", "misshapen out.weight: [2, 16] where [3, 16]"):
        assert fault in str(raised.value)


def test_a_changed_byte_is_noticed_where_only_weights_are_loaded(tmp_path: Path):
    model = encoder()
    path = save_pretrained(model, tmp_path) / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not the file that was saved"):
        load_weights(model, tmp_path)


def test_many_misfits_are_counted(tmp_path: Path):
    save_pretrained(encoder(num_layers=1), tmp_path)
    with pytest.raises(ValueError, match=r"missing layers\.1.*and 4 more"):
        load_weights(encoder(num_layers=2), tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 200, -100])
def test_a_truncated_file_is_named(keep: int, tmp_path: Path):
    save_pretrained(encoder(), tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
        from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("component",), "BertModel", "needs the component 'BertModel', which is not known here.*components="),
        (("component",), "MoleBlendForPropertyPredictions", r"is it 'MoleBlendForPropertyPrediction'\?"),
        (("component",), [], "must have a name and a mapping of arguments"),
        (("arguments",), [1], "must have a name and a mapping of arguments"),
        (("arguments", "config", "arguments", "width"), 3, "'MoleBlendConfig' cannot be built: .*'width'"),
        (("arguments", "config", "arguments", "channels"), "256", "`channels` must be an integer.*'256'"),
        (("arguments", "config"), None, "'MoleBlendForPropertyPrediction' cannot be built"),
        (("arguments", "num_tasks"), "3", "`num_tasks` must be an integer of at least 1, got '3'"),
        (
            ("arguments", "encoder", "arguments", "config", "arguments", "channels"),
            32,
            r"an encoder of 32 channels .* needs AtomEmbedding\(32, 8",
        ),
        (
            ("arguments", "encoder", "arguments", "relations", "spd", "arguments", "heads"),
            -3,
            "SPDBias.*`heads` must be an integer",
        ),
        (("arguments", "encoder", "arguments", "relations", "spd"), {"component": "Own", "arguments": {}}, "'Own'"),
    ],
    ids=str,
)
def test_what_the_tree_says_is_checked(place: tuple[str, ...], value: object, message: str, tmp_path: Path):
    save_pretrained(predictor(), tmp_path)
    description = json.loads((tmp_path / "config.json").read_text())
    inner = description["model"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=message) as raised:
        from_pretrained(tmp_path)
    assert str(tmp_path / "config.json") in str(raised.value)


def test_an_argument_that_is_missing_is_named(tmp_path: Path):
    save_pretrained(predictor(), tmp_path)
    description = json.loads((tmp_path / "config.json").read_text())
    del description["model"]["arguments"]["num_tasks"]
    (tmp_path / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match="num_tasks"):
        from_pretrained(tmp_path)


def test_the_encoder_of_any_model_is_loaded(tmp_path: Path):
    for number, model in enumerate((encoder(), pretraining(), predictor())):
        folder = save_pretrained(model, tmp_path / str(number))
        loaded, expected = encoder_from_pretrained(folder), getattr(model, "encoder", model)
        assert type(loaded) is MoleBlend
        assert describe(loaded) == describe(expected)
        assert not loaded.training
        batch = Batch.from_data_list(samples.molecules())
        assert torch.equal(loaded(batch).graph, expected(batch).graph)


def test_a_model_with_a_nan_argument_is_refused_and_nothing_is_written(tmp_path: Path):
    model = encoder()
    with pytest.raises(ValueError, match="JSON"):
        save_pretrained(model, tmp_path / "new", {"mean": float("nan")})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(name: str, tmp_path: Path):
    (save_pretrained(encoder(), tmp_path) / name).unlink()
    with pytest.raises(FileNotFoundError, match=name.replace(".", r"\.")):
        from_pretrained(tmp_path)


def test_models_of_ones_own_are_filled(tmp_path: Path):
    config = samples.tiny_config()
    model = samples.randomized(MoleBlend(config, {"spd": default_relations(config)["spd"]}))
    save_pretrained(model, tmp_path)
    with pytest.raises(ValueError, match=r"missing attention_bias\.blend\.relations\.bond_path"):
        load_weights(MoleBlend(config), tmp_path)
    fresh = MoleBlend(config, {"spd": default_relations(config)["spd"]})
    assert load_weights(fresh, tmp_path) is fresh
    assert torch.equal(fresh.graph_token, model.graph_token)
    assert list(from_pretrained(tmp_path).modalities) == ["spd"]


def test_half_precision_weights_fill_a_float32_model(tmp_path: Path):
    model = encoder()
    save_pretrained(encoder().half(), tmp_path)
    again = from_pretrained(tmp_path)
    assert again.graph_token.dtype == torch.float32
    torch.testing.assert_close(again.graph_token, model.graph_token, rtol=1e-3, atol=1e-3)
    assert isinstance(again, nn.Module)


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": [1]},
        {"model": "MoleBlend"},
        {"model": {"component": "MoleBlend"}},
        {"model": {"component": "MoleBlend", "arguments": None}},
        {"model": {"component": "MoleBlend", "arguments": {}}},
        {"model": {"component": "MoleBlend", "arguments": {"config": 3}}},
        {"model": {"component": "MoleBlendConfig", "arguments": {}}},
        {"model": {"component": "PairBlending", "arguments": {}}},
        {"metadata": []},
        {"format": None},
        {"format": "2"},
    ],
    ids=str,
)
def test_a_description_of_no_model_is_refused_and_its_file_named(change: dict, tmp_path):
    folder = save_pretrained(MoleBlend(samples.tiny_config()), tmp_path)
    description = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**description, **change}))
    with pytest.raises(ValueError, match=r"config\.json"):
        from_pretrained(folder)


def test_files_of_two_savings_are_no_model(tmp_path):
    config = samples.tiny_config()
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_pretrained(MoleBlend(config), tmp_path / str(seed), {"seed": seed})
    (tmp_path / "0" / "config.json").write_bytes((tmp_path / "1" / "config.json").read_bytes())
    for load in (from_pretrained, encoder_from_pretrained):
        with pytest.raises(ValueError, match=r"are of two models: a saving into this folder was interrupted"):
            load(tmp_path / "0")
        load(tmp_path / "1")


@pytest.mark.parametrize(("name", "value"), [("num_layers", 1000), ("ffn_channels", 2**31 - 1)])
def test_a_configuration_far_larger_than_its_weights_is_not_built(name: str, value: int, tmp_path: Path):
    save_pretrained(MoleBlend(samples.tiny_config()), tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    content["model"]["arguments"]["config"]["arguments"][name] = value
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"it has more weights than model\.safetensors|can't allocate memory"):
        from_pretrained(tmp_path)
    MoleBlend(samples.tiny_config())  # another that is built counts nothing


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_named(value: float, tmp_path: Path):
    model = encoder()
    name, parameter = next(iter(model.named_parameters()))
    with torch.no_grad():
        parameter.view(-1)[0] = value
    save_pretrained(model, tmp_path)
    with pytest.raises(ValueError, match=f"holds weights that are NaN or infinite, {name} for one"):
        from_pretrained(tmp_path)
