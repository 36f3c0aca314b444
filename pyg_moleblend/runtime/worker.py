r"""One worker process of :func:`~pyg_moleblend.runtime.worker_pool.map_chunks`, seen from both sides."""

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.sharedctypes import RawArray
from typing import Any

import psutil

_ITEM, _BEGAN = 0, 1  # of the clock that parent and worker share
_GRACE = 5.0  # seconds past the deadline after which a worker that nobody kills ends itself


class Worker:
    r"""A process that works on one chunk at a time, as its parent sees it.

    Args:
        context: Spawns the process.
        function: What it does with a chunk.
        deadline: Seconds an item.
    """

    def __init__(self, context: SpawnContext, function: Callable[..., Any], deadline: float) -> None:
        # Shared memory, not messages: the parent can look at any time, and a look costs the worker nothing.
        self.clock = RawArray("d", [-1.0, 0.0])
        self.pipe, far_end = context.Pipe()
        self.process = context.Process(
            target=_work, args=(function, far_end, self.clock, deadline), name="moleblend-worker", daemon=True
        )
        with _without_standard_input(), _without_interrupts():
            self.process.start()
        far_end.close()  # else the worker's death would not close the pipe
        self.number = -1
        self.chunk: Sequence[Any] = ()
        self.kills: list[int] = []

    def give(self, number: int, chunk: Sequence[Any], kills: list[int]) -> None:
        r"""Has it work on a chunk."""
        self.number, self.chunk, self.kills = number, chunk, kills
        # If it is dead, the parent finds out with its next look.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send((chunk, kills))

    def result(self) -> Any:
        r"""What it made of the chunk; raises what the function raised, and ``EOFError`` if the worker is dead."""
        try:
            result, error, text = self.pipe.recv()
        except OSError as broken:
            raise EOFError(str(broken)) from broken
        if error is not None:
            raise error from RuntimeError(f"in a worker process:\n{text}")
        return result

    def item(self) -> int:
        r"""The item it is at, -1 for none."""
        return int(self.clock[_ITEM])

    def began(self) -> float:
        r"""When it began with it, by ``time.monotonic()``."""
        return float(self.clock[_BEGAN])

    def seconds(self) -> float:
        r"""How long it has been at the item; 0 without one."""
        item = self.item()  # read before the time, which is written before it: too new a time does no harm
        return time.monotonic() - self.began() if item >= 0 else 0.0

    def allow(self, seconds: float) -> None:
        r"""Gives it so many seconds more for the item it is at."""
        self.clock[_BEGAN] += seconds

    def is_stopped(self) -> bool:
        r"""Whether somebody has stopped the process (SIGSTOP), which would go on for ever."""
        try:
            return bool(psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED)
        except psutil.Error:  # it is gone, which its pipe says
            return False

    def kill(self) -> int | None:
        r"""Ends the process at once and gives its exit code."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return self.process.exitcode


@contextmanager
def _without_standard_input() -> Iterator[None]:
    r"""Hides that the main module came from the standard input (``python -``): a new process cannot read it again."""
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if path is None or os.path.exists(path):
        yield
        return
    del main.__file__
    try:
        yield
    finally:
        main.__file__ = path


@contextmanager
def _without_interrupts() -> Iterator[None]:
    r"""Keeps Ctrl-C from a process that is started meanwhile, which would say at length that it was importing; this
    one gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it is started with the first process otherwise, and lets Ctrl-C in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(function: Callable[..., Any], pipe: Connection, clock: Any, deadline: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which kills us
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def started(item: int) -> None:
        clock[_BEGAN] = time.monotonic()
        clock[_ITEM] = item
        _set_alarm(deadline + _GRACE if item >= 0 else 0.0)

    while True:
        try:
            chunk, kills = pipe.recv()
        except EOFError:
            return
        message: tuple[Any, Exception | None, str]
        try:
            message = (function(chunk, kills, started), None, "")
        except Exception as error:  # it belongs to the parent
            message = (None, error, traceback.format_exc())
        started(-1)
        try:
            pipe.send(message)
        except BrokenPipeError:
            return
        except Exception as error:  # a result or an error that cannot be pickled
            text = f"{type(error).__name__}: {error}; {message[2]}"
            pipe.send((None, RuntimeError(f"a worker process cannot send its result: {text}"), ""))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _set_alarm(seconds: float) -> None:
    # The kernel's own, which ends a process also where C code keeps Python from running the thread above.
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
