import shutil
from fnmatch import fnmatch
from pathlib import Path

import pytest
import samples
import torch

from pyg_moleblend.checkpoints import from_pretrained, push_to_hub, save_pretrained
from pyg_moleblend.inference import predict
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlend, MoleBlendForPropertyPrediction

TASK = Task("regression", ("gap",), ("eV",), (5.0,), (1.5,))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    r"""A folder that is the hub: what the client's calls do there."""
    root, made = tmp_path / "hub", []

    def create_repo(self, repo_id, *, private, exist_ok):
        assert exist_ok
        made.append((repo_id, private))
        (root / repo_id).mkdir(parents=True, exist_ok=True)
        return f"https://huggingface.co/{repo_id}"

    def upload_folder(self, *, repo_id, folder_path, delete_patterns, commit_message):
        assert commit_message
        there = root / repo_id
        for path in [path for path in there.rglob("*") if path.is_file()]:
            if any(fnmatch(path.relative_to(there).as_posix(), pattern) for pattern in delete_patterns):
                path.unlink()
        shutil.copytree(folder_path, there, dirs_exist_ok=True)

    def snapshot_download(repo_id, allow_patterns):
        copy = tmp_path / "cache" / repo_id
        shutil.rmtree(copy, ignore_errors=True)
        for path in (root / repo_id).rglob("*"):
            name = path.relative_to(root / repo_id).as_posix()
            if path.is_file() and any(fnmatch(name, pattern) for pattern in allow_patterns):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy / name)
        return str(copy)

    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", create_repo)
    monkeypatch.setattr("huggingface_hub.HfApi.upload_folder", upload_folder)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    return root, made


@pytest.fixture
def run(tmp_path):
    model = samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), 1))
    save_pretrained(model, tmp_path / "run" / "model", {"task": TASK.to_dict(), "modality": "2d"})
    (tmp_path / "run" / "secret.csv").write_text("smiles\nCCO\n")
    return tmp_path / "run"


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_was_pushed_predicts_the_same(run, hub):
    root, made = hub
    assert push_to_hub(run, "someone/gap", private=True) == "https://huggingface.co/someone/gap"
    assert made == [("someone/gap", True)]
    assert names(root / "someone/gap") == ["README.md", "config.json", "model.safetensors"]
    assert 'predict("someone/gap", ' in (root / "someone/gap" / "README.md").read_text()
    smiles = ["CCO", "c1ccccc1O", "CC#N"]
    found, expected = (predict(source, smiles, device="cpu") for source in ("someone/gap", run))
    assert found["gap"].tolist() == expected["gap"].tolist()


def test_a_file_that_changed_on_the_way_is_noticed(run, hub):
    push_to_hub(run, "someone/gap")
    path = hub[0] / "someone/gap" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not the file that was saved"):
        from_pretrained("someone/gap")


def test_a_model_replaces_another(run, hub):
    stale = hub[0] / "someone/gap" / "quick.safetensors"
    stale.parent.mkdir(parents=True)
    stale.touch()
    (stale.parent / "LICENSE").touch()
    encoder = samples.randomized(MoleBlend(samples.tiny_config()))
    push_to_hub(encoder, "someone/gap")
    assert names(stale.parent) == ["LICENSE", "README.md", "config.json", "model.safetensors"]
    again = from_pretrained("someone/gap")
    batch = samples.batch_of(samples.molecules(3))
    with torch.no_grad():
        assert torch.equal(again(batch).graph, encoder(batch).graph)


@pytest.mark.parametrize("repo", ["gap", "a/b/c", "", "a b/c", "../gap", "someone/", None])
def test_a_repository_has_a_user_and_a_name(run, hub, repo):
    with pytest.raises(ValueError, match="is called USER/NAME"):
        push_to_hub(run, repo)


def test_nothing_is_uploaded_of_what_is_not_one_whole_model(run, hub, tmp_path):
    for seed in (0, 1):
        shutil.copytree(run / "model", tmp_path / "seeds" / f"seed-{seed}" / "model")
    (tmp_path / "seeds" / "summary.json").write_text('{"members": ["seed-0", "seed-1"]}')
    with pytest.raises(ValueError, match=r"holds 2 models: push one of them, .*seed-0 say"):
        push_to_hub(tmp_path / "seeds", "someone/gap")
    path = run / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="is damaged"):
        push_to_hub(run, "someone/gap")
    assert hub[1] == []
