from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil


class _Control(NamedTuple):
    limit: str
    used: str
    statistics: str
    reclaimable: str


# Version 2 of Linux' control groups, then version 1; a container sees its own group as the root.
_CONTROLS = (
    _Control("memory.max", "memory.current", "memory.stat", "inactive_file"),
    _Control(
        "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"
    ),
)


def free_memory(groups: str | Path = "/sys/fs/cgroup") -> int:
    r"""Bytes that this process can still take without swapping or being killed: what the system has, or what is left of
    a container's limit if that is less.

    Args:
        groups: Where the system tells of the limits of containers.
    """
    free = int(psutil.virtual_memory().available)
    return min([free, *(left for control in _CONTROLS if (left := _left(Path(groups), control)) is not None)])


def _left(groups: Path, control: _Control) -> int | None:
    try:
        limit, used = (int((groups / name).read_text()) for name in (control.limit, control.used))
        statistics = dict(line.split() for line in (groups / control.statistics).read_text().splitlines())
    except (OSError, ValueError):  # there is no such group, or it has no limit: "max"
        return None
    # Of what is used, cached files are given up when memory is wanted.
    return max(limit - used + int(statistics.get(control.reclaimable, 0)), 0)
