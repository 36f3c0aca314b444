from pathlib import Path

import pytest
from shard_rows import GOOD, damage, portions

from pyg_moleblend.datasets.io.reading import ReadChunk
from pyg_moleblend.datasets.shards.build import build_shards
from pyg_moleblend.datasets.shards.folder import claim, clear, finished, load_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build_shards(portions(GOOD * 2, (4,)), tmp_path, {"a": 1}, ReadChunk(), shard_size=4)
    return tmp_path


def test_a_manifest_is_read_as_it_was_written(folder: Path) -> None:
    manifest = load_manifest(folder)
    assert manifest.key == {"format": 1, "a": 1, "shard_size": 4}
    assert (manifest.rows, manifest.molecules, manifest.failures) == (10, 10, 0)
    assert finished(folder) == dict(enumerate(manifest.shards))


@pytest.mark.parametrize("kind", ["flipped", "cut", "removed"])
def test_only_whole_shards_are_finished(folder: Path, kind: str) -> None:
    damage(folder / "shard-000001.safetensors", kind)
    assert list(finished(folder)) == [0, 2]


def test_an_unfinished_folder_and_another_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder of shards"):
        load_manifest(tmp_path)
    claim(tmp_path, {"a": 1})
    with pytest.raises(ValueError, match="is not complete yet"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("content", ['{"key": ', "[]", '{"shards": [{"x": 1}]}'])
def test_a_damaged_manifest_is_named(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
        load_manifest(folder)


def test_a_damaged_key_is_named_and_a_damaged_entry_says_nothing(tmp_path: Path) -> None:
    claim(tmp_path, {"a": 1})
    for content in ("{", "[]", '{"rows": 3}'):
        (tmp_path / "shard-000000.json").write_text(content)
        assert finished(tmp_path) == {}
    (tmp_path / "key.json").write_text('{"a"')
    with pytest.raises(ValueError, match=r"key\.json is damaged, delete it"):
        claim(tmp_path, {"a": 1})


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("do not touch")
    with pytest.raises(ValueError, match="holds other files"):
        claim(tmp_path, {"a": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_another_process_has_cleared_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: iter([folder / "shard-000009.json"]))
    clear(tmp_path)
