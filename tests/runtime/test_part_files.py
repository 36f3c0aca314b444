from pathlib import Path

import pytest

from pyg_moleblend.runtime.files import digest
from pyg_moleblend.runtime.part_files import PartFiles, load_object

PARTS = PartFiles("part", ".bin", "pieces", 3)


def test_a_folder_is_of_one_key(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    key = PARTS.claim(folder, {"a": (1, 2)})
    assert key == {"format": 3, "a": [1, 2]} == PARTS.claim(folder, {"a": (1, 2)})
    with pytest.raises(ValueError, match=r"holds pieces that were made otherwise \(a was \[1, 2\], is 2\)"):
        PARTS.claim(folder, {"a": 2})
    with pytest.raises(ValueError, match="format was 3, is 4"):
        PARTS._replace(version=4).claim(folder, {"a": (1, 2)})
    with pytest.raises(ValueError, match="is a file, and pieces need a folder"):
        PARTS.claim(folder / "key.json", {})


def test_entries_say_what_is_finished(tmp_path: Path) -> None:
    PARTS.path(tmp_path, 7).write_bytes(b"seven")
    PARTS.save_entry(tmp_path, 7, {"rows": 1})
    (tmp_path / "part-000008.json").write_text("{")
    (tmp_path / ".part-000009.bin.x.tmp").write_text("half")
    assert PARTS.entries(tmp_path) == {7: {"rows": 1}}
    assert PARTS.is_whole(tmp_path, 7, digest(PARTS.path(tmp_path, 7)))
    assert not PARTS.is_whole(tmp_path, 8, digest(PARTS.path(tmp_path, 7)))
    PARTS.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["part-000007.bin"]


def test_damage_is_named(tmp_path: Path) -> None:
    for content in ("{", "[]", ""):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(ValueError, match=r"x\.json is damaged, delete it"):
            load_object(tmp_path / "x.json")
