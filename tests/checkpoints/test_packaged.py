r"""Encoders that come with the package: found by name, checked, and the same as those that were packaged."""

from pathlib import Path

import pytest
import samples
import torch

from benchmarks.weights.package import package
from pyg_moleblend.checkpoints import from_pretrained, packaged, packaged_models
from pyg_moleblend.models import MoleBlend


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MoleBlend:
    torch.manual_seed(0)
    encoder = MoleBlend(samples.tiny_config()).eval()
    package(encoder, tmp_path / "tiny-for-tests", "nothing", {})
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    return encoder


def test_an_encoder_is_loaded_by_name(encoder: MoleBlend):
    loaded = from_pretrained("tiny-for-tests")
    assert type(loaded) is MoleBlend
    for name, value in encoder.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == value.dtype
        assert torch.equal(found, value.half().to(value.dtype)), name


def test_what_it_is_stands_on_its_card(encoder: MoleBlend):
    (card,) = packaged_models().values()
    assert card.name == "tiny-for-tests"
    assert card.data == "nothing"
    assert card.parameters == sum(parameter.numel() for parameter in encoder.parameters())


@pytest.mark.usefixtures("encoder")
def test_other_weights_than_the_released_are_refused(tmp_path: Path):
    weights = tmp_path / "tiny-for-tests" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=r"model.safetensors is damaged: its checksum .* install pyg_moleblend again"):
        from_pretrained("tiny-for-tests")


@pytest.mark.usefixtures("encoder")
def test_a_name_that_is_not_known_is_told_those_that_are():
    with pytest.raises(FileNotFoundError, match=r"no folder tiny, and no packaged encoder .*\(tiny-for-tests\)"):
        from_pretrained("tiny")


@pytest.mark.usefixtures("encoder")
def test_a_folder_comes_before_a_packaged_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here" / "tiny-for-tests").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(FileNotFoundError, match=r"there is no .*config.json"):
        from_pretrained("tiny-for-tests")


@pytest.mark.parametrize("name", packaged_models())
def test_each_is_whole_and_of_finite_weights(name: str):
    assert all(parameter.isfinite().all() for parameter in from_pretrained(name).parameters())
