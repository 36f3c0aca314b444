import json
from pathlib import Path

import pytest
import samples
import torch

from pyg_moleblend.checkpoints import (
    encoder_from_pretrained,
    from_pretrained,
    read_metadata,
    save_pretrained,
)
from pyg_moleblend.models import (
    MoleBlend,
)


def encoder(**changes: object) -> MoleBlend:
    return samples.randomized(MoleBlend(samples.tiny_config(**changes)))


def test_the_folder_of_a_run_stands_for_its_model(tmp_path: Path):
    saved = encoder()
    save_pretrained(saved, tmp_path / "model")
    assert all(
        torch.equal(*pair) for pair in zip(from_pretrained(tmp_path).parameters(), saved.parameters(), strict=True)
    )


def test_several_models_are_not_one(tmp_path: Path):
    save_pretrained(encoder(), tmp_path / "seed-3/model")
    with pytest.raises(FileNotFoundError, match=f"did you mean {tmp_path / 'seed-3/model'}"):
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
    assert asked == [
        ("someone/moleblend", ["config.json", "embedder/*", "model.safetensors", "quick.json", "quick.safetensors"])
    ]
    assert torch.equal(again.graph_token, model.graph_token)


def test_a_missing_hub_repository_is_named(monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def download(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(FileNotFoundError, match="someone/moleblend: offline"):
        from_pretrained("someone/moleblend")


@pytest.mark.parametrize(
    "text",
    [
        "", '{"format": 2, "mod', "3", "[1]", "[" * 100_000, '{"class": "MoleBlend"}', '{"format": 2}',
        '{"format": 2, "metadata": {}}', '{"format": 2, "model": {}, "metadata": []}',
        '{"model": {}, "metadata": {}}', '{"format": 2, "model": ' + '[' * 700 + ']' * 700 + ', "metadata": {}}',
        '{"format": 2, "metadata": {}, "model": ' + '{"a": ' * 700 + '1' + '}' * 700 + '}',
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_a_damaged_configuration_is_named(text: str, tmp_path: Path):
    save_pretrained(encoder(), tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config\.json"):
        from_pretrained(tmp_path)


def test_a_format_of_the_future_is_refused(tmp_path: Path):
    save_pretrained(encoder(), tmp_path)
    description = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**description, "format": 3}))
    for read in (from_pretrained, encoder_from_pretrained, read_metadata):
        with pytest.raises(ValueError, match=r"config\.json is of format 3, this version reads 2; install a newer"):
            read(tmp_path)
