from pathlib import Path

import psutil
import pytest

from pyg_moleblend.utils.free_memory import free_memory

VERSION_1 = {
    "memory/memory.limit_in_bytes": "5000",
    "memory/memory.usage_in_bytes": "3000",
    "memory/memory.stat": "cache 900\ntotal_inactive_file 700",
}
VERSION_2 = {"memory.max": "5000\n", "memory.current": "3000\n", "memory.stat": "anon 2000\ninactive_file 500\n"}


def groups(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("files", "left"), [(VERSION_1, 2700), (VERSION_2, 2500)])
def test_a_containers_limit_counts_less_what_cannot_be_given_up(tmp_path: Path, files: dict[str, str], left: int):
    assert free_memory(groups(tmp_path, files)) == left


def test_a_container_that_is_over_its_limit_has_nothing_left(tmp_path: Path):
    assert free_memory(groups(tmp_path, {**VERSION_2, "memory.current": "9000"})) == 0


@pytest.mark.parametrize(
    "files",
    [
        {},
        {**VERSION_2, "memory.max": "max\n"},  # no limit
        {**VERSION_1, "memory/memory.limit_in_bytes": str(2**63 - 4096)},  # how version 1 says that
    ],
)
def test_without_a_limit_it_is_the_systems_memory(tmp_path: Path, files: dict[str, str]):
    assert free_memory(groups(tmp_path, files)) == pytest.approx(psutil.virtual_memory().available, rel=0.2)
