import os
from pathlib import Path

import pytest

from pyg_moleblend.datasets.io import raw_state
from pyg_moleblend.datasets.io.raw_state import digests, is_state_of, state_of
from pyg_moleblend.runtime.files import digest


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    return [tmp_path / name for name in ("a", "b", "missing")]


def test_digests_are_of_files_in_place(paths: list[Path]) -> None:
    assert digests(paths) == {path.name: digest(path)._asdict() for path in paths[:2]}


def test_files_may_all_be_gone_but_not_be_others(paths: list[Path]) -> None:
    state = state_of(paths)
    assert is_state_of(paths, state)
    paths[0].write_text("A")
    assert not is_state_of(paths, state)
    paths[0].write_text("a")
    assert is_state_of(paths, state)
    paths[0].unlink()
    assert not is_state_of(paths, state)
    paths[1].unlink()
    assert is_state_of(paths, state)
    paths[2].write_text("more")
    assert not is_state_of(paths, state)


def test_files_that_nobody_touched_are_not_read(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    state, read = state_of(paths), []
    monkeypatch.setattr(raw_state, "is_whole", lambda path, known: read.append(path.name) or True)
    assert is_state_of(paths, state)
    assert read == []
    os.utime(paths[1], ns=(0, 0))
    assert is_state_of(paths, state)
    assert read == ["b"]
