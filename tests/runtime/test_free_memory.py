from pathlib import Path

import psutil
import pytest

from pyg_moleblend.runtime.free_memory import free_memory, is_out_of_memory

VERSION_1 = {
    "memory.limit_in_bytes": "5000",
    "memory.usage_in_bytes": "3000",
    "memory.stat": "cache 900\ntotal_inactive_file 700\ntotal_active_file 10",
}
VERSION_2 = {"memory.max": "5000\n", "memory.current": "3000\n", "memory.stat": "inactive_file 500\nactive_file 20\n"}
WHOLE = str(2**63 - 4096)


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def free(groups: Path, own: str = "") -> int:
    (groups / "own").write_text(own)
    return free_memory(groups, groups / "own")


@pytest.mark.parametrize(("files", "folder", "left"), [(VERSION_1, "memory", 2710), (VERSION_2, "", 2520)])
def test_a_limit_counts_less_what_cannot_be_given_up(tmp_path: Path, files: dict[str, str], folder: str, left: int):
    write(tmp_path / folder, files)
    assert free(tmp_path) == left


def test_a_limit_of_a_group_within_a_group_counts(tmp_path: Path):
    write(tmp_path / "memory" / "job" / "step", {**VERSION_1, "memory.limit_in_bytes": WHOLE})
    write(tmp_path / "memory" / "job", VERSION_1)
    write(tmp_path / "memory" / "other", {**VERSION_1, "memory.limit_in_bytes": "1"})
    assert free(tmp_path, "5:cpu,cpuacct:/\n4:memory:/job/step\n0::/\n") == 2710
    write(tmp_path / "slice" / "unit", {**VERSION_2, "memory.max": "4000\n"})
    assert free(tmp_path, "0::/slice/unit\n") == 1520


def test_a_group_that_is_over_its_limit_has_nothing_left(tmp_path: Path):
    write(tmp_path, {**VERSION_2, "memory.current": "9000"})
    assert free(tmp_path) == 0


@pytest.mark.parametrize(
    ("files", "folder"),
    [({}, ""), ({**VERSION_2, "memory.max": "max\n"}, ""), ({**VERSION_1, "memory.limit_in_bytes": WHOLE}, "memory")],
)
def test_without_a_limit_it_is_the_systems_memory(tmp_path: Path, files: dict[str, str], folder: str):
    write(tmp_path / folder, files)
    assert free(tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    assert free_memory(tmp_path, tmp_path / "nowhere") == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_errors_of_too_little_memory_are_told():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    assert not is_out_of_memory(ValueError("out of memory"))
