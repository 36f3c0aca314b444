r"""Which of several processes this one is, by the variables of whatever has started it."""

from __future__ import annotations

import os

_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")  # as Lightning looks for them


def started_as() -> int:
    r"""The number that torchrun, SLURM or Lightning has started this process as; 0 where none says one."""
    return int(next((os.environ[name] for name in _VARIABLES if name in os.environ), "0"))


def forget_start() -> None:
    r"""Has a process that works alone be the first, whatever the shell says that it was started from: else what is to
    be done once would be done by nobody."""
    for name in _VARIABLES:
        os.environ.pop(name, None)
