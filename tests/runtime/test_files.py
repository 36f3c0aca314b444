import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyg_moleblend.runtime import files
from pyg_moleblend.runtime.files import atomic_write, content_key, sole_writer, whole_folder

# The module needs nothing but Python: loading it alone spares each child process the import of torch.
LOAD = f"import os, runpy, signal, sys; globals().update(runpy.run_path({files.__file__!r}))"


def test_writes_bytes_and_text_and_makes_folders(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a" / "b.bin") as file:
        file.write(b"\x00\n")
    with atomic_write(tmp_path / "a" / "b.txt", "w") as file:
        file.write("Å\n")
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"\x00\n"
    assert (tmp_path / "a" / "b.txt").read_bytes() == "Å\n".encode()
    assert sorted(entry.name for entry in (tmp_path / "a").iterdir()) == ["b.bin", "b.txt"]


def test_replaces_a_file_and_is_as_readable_as_any_other(tmp_path: Path) -> None:
    path, ordinary = tmp_path / "file", tmp_path / "ordinary"
    ordinary.write_text("")
    for content in ("old", "new"):
        with atomic_write(path, "w") as file:
            file.write(content)
    assert path.read_text() == "new"
    assert path.stat().st_mode == ordinary.stat().st_mode


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted() -> None:
        with atomic_write(path, "w") as file:
            file.write("new")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        interrupted()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    code = (
        f"{LOAD}\n"
        "with atomic_write(sys.argv[1], 'w') as file:\n"
        "    file.write('new' * 100000); file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert result.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


@pytest.mark.parametrize("mode", ["a", "r+", "rb", "x"])
def test_other_modes_are_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(mode))), atomic_write(tmp_path / "file", mode):
        pass
    assert not list(tmp_path.iterdir())


def test_content_key_depends_on_names_and_values_only() -> None:
    key = content_key(a=1, b=[1, "x"], c=None)
    assert key == content_key(c=None, b=[1, "x"], a=1)
    others = [content_key(a=1, b=["x", 1], c=None), content_key(a=1, d=[1, "x"], c=None), content_key(a="1")]
    assert len({key, *others}) == 4
    code = f"{LOAD}\nprint(content_key(a=1, b=[1, 'x'], c=None))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == key


def test_content_key_refuses_what_has_no_stable_text() -> None:
    with pytest.raises(TypeError):
        content_key(a=object())


def test_one_at_a_time_and_again_when_it_has_ended_however(tmp_path: Path) -> None:
    with sole_writer(tmp_path), pytest.raises(ValueError, match=f"another process is at work in {tmp_path}"):
        sole_writer(tmp_path).__enter__()
    with pytest.raises(RuntimeError, match="fell over"), sole_writer(tmp_path):
        raise RuntimeError("fell over")
    with sole_writer(tmp_path):
        pass


def test_files_of_a_new_folder_appear_together(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(FileNotFoundError), whole_folder(folder) as place:
        (place / "a").write_bytes((place / "b").read_bytes())
    assert list(tmp_path.iterdir()) == []
    folder.mkdir()
    for value in ("1", "2"):
        with whole_folder(folder) as place:
            (place / "a").write_text(value)
            assert [path.name for path in folder.iterdir()] == ([] if value == "1" else ["a"])
    assert (folder / "a").read_text() == "2"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for write in (lambda path: atomic_write(path).__enter__(), files.refuse_overwriting):
        with pytest.raises(ValueError, match=r"cannot be written: .*file is a file, not a folder"):
            write(tmp_path / "file" / "inner" / "name")


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    told = pytest.raises(OSError, match=r"No space left on device, so it is not written: .*name")
    with told, atomic_write(tmp_path / "name"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())
