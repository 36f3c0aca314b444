from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

_WORDS = ("can't allocate memory", "out of memory")


class _Version(NamedTuple):
    r"""How a version of Linux' control groups tells what a group may take and takes."""

    controller: str
    folder: str
    limit: str
    used: str
    cached: tuple[str, str]


_VERSIONS = (
    _Version(
        "memory",
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
    _Version("", "", "memory.max", "memory.current", ("inactive_file", "active_file")),
)


def free_memory(groups: str | Path = "/sys/fs/cgroup", own_groups: str | Path = "/proc/self/cgroup") -> int:
    r"""Bytes that this process can still take without swapping or being killed: what the system has, or what is left of
    a limit of its control groups (of a container, a batch job) if that is less.

    Args:
        groups: Where Linux tells of the limits of control groups.
        own_groups: Where it tells which groups this process is in.
    """
    left = [_left(folder, version) for version, folder in _folders(Path(groups), Path(own_groups))]
    return min([int(psutil.virtual_memory().available), *(free for free in left if free is not None)])


def _folders(groups: Path, own_groups: Path) -> Iterator[tuple[_Version, Path]]:
    r"""The groups that limit this process: each of its own, and those around it up to the root."""
    lines = own_groups.read_text().splitlines() if own_groups.is_file() else []
    own = {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}
    for version in _VERSIONS:
        root = groups / version.folder
        folder = root / own.get(version.controller, "/").lstrip("/")
        yield from ((version, around) for around in (folder, *folder.parents) if around.is_relative_to(root))


def _left(folder: Path, version: _Version) -> int | None:
    try:
        limit, used = (int((folder / name).read_text()) for name in (version.limit, version.used))
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # there is no such group, or it has no limit: "max"
        return None
    # Of what is used, cached files are given up when memory is wanted.
    return max(limit - used + sum(int(statistics.get(name, 0)) for name in version.cached), 0)


def is_out_of_memory(error: BaseException) -> bool:
    r"""Whether an error says that there is not enough memory, of the machine or of a GPU."""
    said = isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
    return said or isinstance(error, MemoryError)
