r"""Inputs that are tried in processes of their own, which may crash, hang or eat memory; and what was found."""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fuzz.doors import Door

SECONDS = 10.0
r"""What an input may take."""

MEMORY = 3 << 30
r"""Bytes that a process may take for inputs."""

_PORTION = 200
_REFUSED = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "ctypes.dlopen")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Finding(NamedTuple):
    r"""An input that does what none may.

    Attributes:
        door: Where it came in.
        number: Of the input, which with the seed makes it again; -1 for one that was not drawn.
        fault: What happened.
        place: Where, in the package.
        data: The input, made small.
    """

    door: str
    number: int
    fault: str
    place: str
    data: bytes


def damaged(door: Door, seed: int, number: int) -> bytes:
    r"""An input of a door: always the same for a seed and a number. The first are the whole files."""
    if number < len(door.seeds):
        return door.seeds[number]
    return door.mutate(random.Random(f"{door.name} {seed} {number}"), door.seeds)


def hunt(door: Door, seed: int, numbers: range, until: float | None = None) -> Iterator[Finding | int]:
    r"""Tries inputs, some hundred a process.

    Args:
        door: Where they come in.
        seed: Of the inputs.
        numbers: Of the inputs.
        until: When to end, by :func:`time.monotonic`. (default: :obj:`None`)

    Yields:
        How many inputs were tried, and the first finding of each kind.
    """
    known: set[tuple[str, str]] = set()
    start = numbers.start
    while start < numbers.stop and (until is None or time.monotonic() < until):
        portion = range(start, min(start + _PORTION, numbers.stop))
        start = portion.start
        for number, fault, place in _apart(door, (damaged(door, seed, n) for n in portion), until):
            start = portion.start + number + 1
            yield 1
            if fault and (kind := (fault.split(":")[0], place)) not in known:
                known.add(kind)
                at = portion.start + number
                yield Finding(door.name, at, fault, place, _shrunk(door, damaged(door, seed, at), kind))


def fault_of(door: Door, data: bytes) -> tuple[str, str]:
    r"""What an input does that none may, and where; two empty texts if it does nothing of the kind."""
    return next((fault, place) for _, fault, place in _apart(door, [data]))


def _apart(door: Door, inputs: Any, until: float | None = None) -> Iterator[tuple[int, str, str]]:
    r"""Opens inputs in one process; number, fault and place of each, until one ends the process."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(read)
            _work(door, inputs, write, until)
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    number, text = 0, b""
    try:
        while True:
            ready = select.select([read], [], [], SECONDS + 1)[0]
            piece = os.read(read, 1 << 16) if ready else None
            if not piece:
                os.kill(child, signal.SIGKILL)
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                child = 0
                if piece is None:
                    yield number, f"hangs: for more than {SECONDS:g} s", ""
                elif not text.endswith(b"done"):
                    yield number, f"ends the process: {code}", ""
                return
            *lines, text = (text + piece).split(b"\n")
            for line in lines:
                fault, place = json.loads(line)
                yield number, fault, place
                number += 1
    finally:
        os.close(read)
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _work(door: Door, inputs: Any, write: int, until: float | None) -> None:
    warnings.simplefilter("ignore")
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        home = os.path.realpath(temporary)
        os.environ["TMPDIR"] = tempfile.tempdir = home
        Path(home, "fuzz_marker.py").write_text("def run(*given, **named): ...\n")
        sys.path.insert(0, home)
        sys.addaudithook(lambda event, args: _watch(event, args, home, broken))
        for number, data in enumerate(inputs):
            folder = Path(home) / str(number)
            shutil.copytree(door.folder, folder)
            os.chdir(folder)
            (folder / door.file).write_bytes(data)
            fault = place = ""
            try:
                door.open(folder / door.file)
            except (ValueError, OSError):
                pass
            except BaseException as error:
                fault, place = f"{type(error).__name__}: {str(error)[:200]}", _place(error)
            if broken:
                fault, place = f"Forbidden: {broken[0]}", ""
                broken.clear()
            os.write(write, json.dumps([fault, place]).encode() + b"\n")
            os.chdir(home)
            shutil.rmtree(folder, ignore_errors=True)
            if until is not None and time.monotonic() > until:
                break
    os.write(write, b"done")


def _watch(event: str, args: Sequence[Any], home: str, broken: list[str]) -> None:
    r"""Notes what no input may bring about: code that is run, a file that is written elsewhere."""
    if event in _REFUSED and "libc.so" not in str(args):
        broken.append(f"{event} {str(args)[:100]}")
    elif event == "exec" and "fuzz_marker" in getattr(args[0], "co_filename", ""):
        broken.append("import of fuzz_marker")
    elif event == "open" and isinstance(args[0], str) and isinstance(args[2], int) and args[2] & _WRITING:
        path = os.path.realpath(args[0])
        if not path.startswith((home, os.devnull)) and "__pycache__" not in path:
            broken.append(f"{path} is written")


def _place(error: BaseException) -> str:
    r"""The last line of the package that an error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "pyg_moleblend" in frame.filename] or frames
    name = own[-1].filename.rpartition("pyg_moleblend/")[2]
    return f"{name}:{own[-1].lineno} {own[-1].name}, in {Path(frames[-1].filename).name}"


def _shrunk(door: Door, data: bytes, kind: tuple[str, str], seconds: float = 6.0) -> bytes:
    r"""An input with the same fault and as few bytes as are found in a few seconds."""
    until = time.monotonic() + seconds
    if kind[0] in ("hangs", "MemoryError") and len(data) < 4096:
        return data
    size = len(data) // 2
    while size:
        start = 0
        while start < len(data):
            if time.monotonic() > until:
                return data
            shorter = data[:start] + data[start + size :]
            fault, place = fault_of(door, shorter)
            if (fault.split(":")[0], place) == kind:
                data = shorter
            else:
                start += size
        size //= 2
    return data
