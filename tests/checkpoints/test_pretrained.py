import json
from pathlib import Path

import golden_data
import pytest
import samples
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints import from_pretrained, load_weights, read_metadata, save_pretrained
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
    default_relations,
)


def encoder(**changes: object) -> MoleBlend:
    return samples.randomized(MoleBlend(samples.tiny_config(**changes)))


def pretraining() -> MoleBlendForPretraining:
    config = samples.tiny_config(geometry_objective="distance", bond_vocabulary="release", max_path_length=3)
    return samples.randomized(MoleBlendForPretraining(config))


def predictor() -> MoleBlendForPropertyPrediction:
    return samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), num_tasks=3))


@pytest.mark.parametrize("make", [encoder, pretraining, predictor])
def test_round_trip(make, tmp_path: Path):
    model = make().train()
    assert save_pretrained(model, tmp_path / "new" / "folder") == tmp_path / "new" / "folder"
    again = from_pretrained(tmp_path / "new" / "folder")
    assert type(again) is type(model)
    assert again.config == model.config
    assert not again.training
    assert model.state_dict().keys() == again.state_dict().keys()
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())


def test_outputs_survive(tmp_path: Path):
    model, batch = predictor(), Batch.from_data_list(samples.molecules())
    assert torch.equal(from_pretrained(save_pretrained(model, tmp_path))(batch), model(batch))


def test_an_imported_release_can_be_saved(tmp_path: Path):
    model = golden_data.finetuned_model()
    again = from_pretrained(str(save_pretrained(model, tmp_path)))
    golden_data.assert_matches(again(golden_data.public_batch()), golden_data.public()["finetune_logits_2d3d"])


def test_files_are_readable_without_us(tmp_path: Path):
    model = predictor()
    save_pretrained(model, tmp_path, {"targets": ["a", "b", "c"], "mean": 1.5})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    description = json.loads((tmp_path / "config.json").read_text())
    assert description["class"] == "MoleBlendForPropertyPrediction"
    assert description["num_tasks"] == 3
    assert description["config"]["channels"] == 16
    assert load_file(tmp_path / "model.safetensors").keys() == model.state_dict().keys()
    assert read_metadata(tmp_path) == description["metadata"] == {"targets": ["a", "b", "c"], "mean": 1.5}


def test_metadata_is_empty_by_default(tmp_path: Path):
    assert read_metadata(save_pretrained(encoder(), tmp_path)) == {}


def test_saving_again_replaces(tmp_path: Path):
    save_pretrained(pretraining(), tmp_path, {"first": 1})
    save_pretrained(encoder(), tmp_path)
    assert isinstance(from_pretrained(tmp_path), MoleBlend)
    assert read_metadata(tmp_path) == {}


def test_weights_that_do_not_fit_are_named(tmp_path: Path):
    save_pretrained(predictor(), tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["dense.bias"]
    weights["surplus"] = torch.zeros(2)
    weights["out.weight"] = torch.zeros(2, 16)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="do not fit") as raised:
        from_pretrained(tmp_path)
    for fault in ("missing dense.bias", "unexpected surplus", "misshapen out.weight: [2, 16] where [3, 16]"):
        assert fault in str(raised.value)


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


@pytest.mark.parametrize("text", ["", '{"class": "MoleBlend", "conf', "3", "[1]", '{"class": "MoleBlend"}'])
def test_a_damaged_configuration_is_named(text: str, tmp_path: Path):
    save_pretrained(encoder(), tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json"):
        from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("class", "BertModel", "'BertModel'; known are.*MoleBlendForPretraining"),
        ("config", {"channels": 16, "width": 3}, r"unknown configuration keys \['width'\]"),
        ("num_tasks", None, "num_tasks"),
    ],
)
def test_what_the_configuration_says_is_checked(key: str, value: object, message: str, tmp_path: Path):
    save_pretrained(predictor(), tmp_path)
    description = json.loads((tmp_path / "config.json").read_text())
    if value is None:
        del description[key]
    else:
        description[key] = value
    (tmp_path / "config.json").write_text(json.dumps(description))
    with pytest.raises(ValueError, match=message):
        from_pretrained(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(name: str, tmp_path: Path):
    (save_pretrained(encoder(), tmp_path) / name).unlink()
    with pytest.raises(FileNotFoundError, match=name.replace(".", r"\.")):
        from_pretrained(tmp_path)


@pytest.mark.parametrize("place", ["model", "seed-3/model"])
def test_the_folder_of_a_run_is_told_from_its_model(place: str, tmp_path: Path):
    save_pretrained(encoder(), tmp_path / place)
    with pytest.raises(FileNotFoundError, match=f"did you mean {tmp_path / place}"):
        from_pretrained(tmp_path)


@pytest.mark.parametrize("source", ["nowhere", "./a/b", "/no/such/folder", "a/b/c", Path("a/b")])
def test_a_missing_folder_is_not_looked_up_on_the_hub(source: str | Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("asked the hub"))
    with pytest.raises(FileNotFoundError, match=str(source)):
        from_pretrained(source)


def test_a_hub_repository_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model, asked = encoder(), []

    def download(repository: str, allow_patterns: list[str]) -> str:
        asked.append((repository, sorted(allow_patterns)))
        return str(save_pretrained(model, tmp_path))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    again = from_pretrained("someone/moleblend")
    assert asked == [("someone/moleblend", ["config.json", "model.safetensors"])]
    assert torch.equal(again.graph_token, model.graph_token)


def test_a_missing_hub_repository_is_named(monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def download(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(FileNotFoundError, match="someone/moleblend: offline"):
        from_pretrained("someone/moleblend")


def test_models_of_ones_own_are_filled(tmp_path: Path):
    config = samples.tiny_config()
    model = samples.randomized(MoleBlend(config, {"spd": default_relations(config)["spd"]}))
    save_pretrained(model, tmp_path)
    with pytest.raises(ValueError, match=r"missing attention_bias\.blend\.relations\.bond_path"):
        from_pretrained(tmp_path)
    fresh = MoleBlend(config, {"spd": default_relations(config)["spd"]})
    assert load_weights(fresh, tmp_path) is fresh
    assert torch.equal(fresh.graph_token, model.graph_token)


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
        {"config": None},
        {"config": {"relation_probabilities": "x"}},
        {"config": {"loss_weights": [1]}},
        {"config": {"channels": "256"}},
        {"class": []},
        {"metadata": []},
        {"class": "MoleBlendForPropertyPrediction", "num_tasks": "3"},
    ],
    ids=str,
)
def test_a_description_of_no_model_is_refused_and_its_file_named(change: dict, tmp_path):
    folder = save_pretrained(MoleBlend(samples.tiny_config()), tmp_path)
    description = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**description, **change}))
    with pytest.raises(ValueError, match=r"config\.json"):
        from_pretrained(folder)
