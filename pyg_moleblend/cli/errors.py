r"""Errors of the user's or the machine's as one line, with what to do; and text that any terminal can be given."""

from __future__ import annotations

import errno
import io
import sys
from argparse import ArgumentError

from pyg_moleblend.runtime.free_memory import is_out_of_memory
from pyg_moleblend.runtime.worker_pool import WorkerError

_LESS = "take a smaller batch (--schedule.batch-size, --batch-size) or a smaller model"


def line_of(error: BaseException) -> str | None:
    r"""What an error says, in one line; ``None`` for one that is a fault of the program."""
    text = " ".join(str(error).split())
    if isinstance(error, RecursionError):
        return f"a file or an option is nested too deeply ({text})"
    if isinstance(error, MemoryError):
        return f"there is not enough memory{': ' * bool(text)}{text}; {_LESS}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        return (
            f"{text}: a disk is full, or the memory that processes share (/dev/shm; df -h tells). Make room, give a "
            "container more of it (--shm-size 1g), or do without processes (--machine.num-workers 0, --num-workers 0)"
        )
    if isinstance(error, (ArgumentError, ValueError, OSError, WorkerError)):
        return text
    if is_out_of_memory(error):
        return f"there is not enough memory: {text}; {_LESS}"
    return None


def speak_utf8() -> None:
    r"""Lets the standard output and error say everything, whatever the locale is: names may be in any script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
