r"""Work on chunks in processes that are killed, not asked, where an item of a chunk takes too long."""

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from multiprocessing.connection import wait
from typing import Any, TypeVar

from pyg_moleblend.runtime.worker import Worker

T = TypeVar("T")
R = TypeVar("R")

Started = Callable[[int], None]
ChunkFunction = Callable[[Sequence[T], Sequence[int], Started], R]
r"""Gives the result of a chunk; see :func:`map_chunks`."""

CHUNKS_IN_FLIGHT = 4
r"""Chunks a worker that are read ahead of the first result that is still awaited."""

MAX_KILLS = 8
r"""An item that ends so many workers has a function that does not look at ``kills``."""

SPARES = 2
r"""Workers that are started where one had to be killed: its successor, and one to be ready when it happens again, for a
worker takes seconds to start."""

LOOK = 5.0
r"""Seconds after which the workers are looked at again, though none has said anything."""

MAX_UNEXPLAINED = 3
r"""Workers in a row that may die with no item begun."""


class WorkerError(RuntimeError):
    r"""Worker processes end, and that is not for an item that could be left out."""


def map_chunks(
    function: ChunkFunction[T, R],
    chunks: Iterable[Sequence[T]],
    num_workers: int,
    deadline: float,
) -> Iterator[R]:
    r"""The results of a function for each of many chunks, in their order, with a hard deadline an item.

    The function is called as ``function(chunk, kills, started)``. It calls ``started(i)`` when it begins with item
    ``i``, and ``started(-1)`` when it goes on to work that is no item's. An item that runs for longer than the
    deadline takes its worker process with it, whatever that process is busy with. The chunk then goes to a new
    process with ``kills[i]`` one higher, and the function is to do less for the item. A worker that dies by itself
    (a crash, the kernel's want of memory) counts the same if it does so at the same item again; one that is stopped
    (SIGSTOP) is replaced. So a result must follow from the chunk and its ``kills``
    alone.

    Workers are spawned, not forked: a script that calls this needs ``if __name__ == "__main__":``. They end with this
    process, however it ends.

    Args:
        function: It and its results can be pickled.
        chunks: Lists of items that can be pickled; they are taken as they are needed, a bounded number ahead.
        num_workers: Processes; 0 works in this one, without a deadline.
        deadline: Seconds that an item may take.

    Yields:
        A result a chunk.

    Raises:
        ValueError: If the number is negative or the deadline not positive; at once, not with the first result.
        WorkerError: If workers die without having begun with an item, or by an item whatever its ``kills``.
    """
    if num_workers < 0:
        raise ValueError(f"`num_workers` must not be negative, got {num_workers}")
    if not deadline > 0:
        raise ValueError(f"`deadline` must be a positive number of seconds, got {deadline}")
    if num_workers == 0:
        return (function(chunk, [0] * len(chunk), _nobody_asks) for chunk in chunks)
    return _Pool(function, num_workers, deadline).map(chunks)


def all_cores() -> int:
    r"""How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    r"""The items in lists of so many, the last of what is left; they are taken as they are needed."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _nobody_asks(item: int) -> None:
    pass


class _Pool:
    def __init__(self, function: ChunkFunction[Any, Any], num_workers: int, deadline: float) -> None:
        self.function = function
        self.num_workers = num_workers
        self.deadline = deadline
        self.context = multiprocessing.get_context("spawn")
        self.idle: deque[Worker] = deque()  # those that were just started last: they are not ready yet
        self.busy: list[Worker] = []
        self.again: deque[tuple[int, Sequence[Any], list[int]]] = deque()  # chunks whose worker is gone
        self.done: dict[int, Any] = {}
        self.unexplained = 0
        self.deaths: set[tuple[int, int]] = set()  # chunks and items at which a worker has died by itself once

    def map(self, chunks: Iterable[Sequence[Any]]) -> Iterator[Any]:
        source, first, following, exhausted = iter(chunks), 0, 0, False
        try:
            while True:
                while len(self.busy) < self.num_workers:
                    if self.again:
                        self._give(*self.again.popleft())
                    elif not exhausted and following - first < CHUNKS_IN_FLIGHT * self.num_workers:
                        chunk = next(source, None)
                        exhausted = chunk is None
                        if chunk is not None:
                            self._give(following, chunk, [0] * len(chunk))
                            following += 1
                    else:
                        break
                while first in self.done:
                    yield self.done.pop(first)
                    first += 1
                if first == following and exhausted:
                    return
                if self.busy:
                    self._attend()
        finally:
            for worker in [*self.idle, *self.busy]:
                worker.kill()

    def _give(self, number: int, chunk: Sequence[Any], kills: list[int]) -> None:
        worker = self.idle.popleft() if self.idle else self._start()
        self.busy.append(worker)
        worker.give(number, chunk, kills)

    def _start(self) -> Worker:
        return Worker(self.context, self.function, self.deadline)

    def _attend(self) -> None:
        r"""Waits until a worker has a result, is dead or must be killed, and sees to it."""
        left = min(self.deadline - worker.seconds() for worker in self.busy)
        handles = [handle for worker in self.busy for handle in (worker.pipe, worker.process.sentinel)]
        timeout, start = min(max(left, 0.001), LOOK), time.monotonic()
        ready = wait(handles, timeout=timeout)
        late = time.monotonic() - start - timeout
        for worker in list(self.busy):
            if worker.pipe in ready or worker.process.sentinel in ready:
                self._take(worker)
            elif late > LOOK:  # it was this process that stood still (Ctrl-Z), and the workers with it
                worker.allow(late)
            elif worker.is_stopped():
                self._bury(worker, None, blameless=True)
            elif worker.seconds() > self.deadline:
                self._bury(worker, time.monotonic())

    def _take(self, worker: Worker) -> None:
        try:
            result = worker.result()
        except EOFError:
            self._bury(worker, None)
            return
        self.busy.remove(worker)
        self.idle.appendleft(worker)
        self.unexplained = 0
        self.done[worker.number] = result

    def _bury(self, worker: Worker, killed_at: float | None, blameless: bool = False) -> None:
        exit_code = worker.kill()
        self.busy.remove(worker)
        self.idle.extend(self._start() for _ in range(SPARES - len(self.idle)))
        item = worker.item()
        kills = list(worker.kills)
        place = (worker.number, item)
        if item >= 0 and killed_at is None and place not in self.deaths:
            self.deaths.add(place)  # somebody may have killed it: an item that ends its worker does so again
            blameless = True
        # It may have gone on to another item, or to none, between the look at its clock and the kill.
        if blameless:
            pass
        elif item >= 0 and (killed_at is None or killed_at - worker.began() > self.deadline):
            kills[item] += 1
            if kills[item] > MAX_KILLS:
                raise WorkerError(f"item {item} of chunk {worker.number} has ended its worker {kills[item]} times")
        elif killed_at is None:
            self.unexplained += 1
            if self.unexplained >= MAX_UNEXPLAINED:
                raise WorkerError(
                    f"{self.unexplained} worker processes in a row ended by themselves, with exit code {exit_code} and "
                    "no item begun; what they wrote to stderr says why (a script needs `if __name__ == '__main__':`)"
                )
        self.again.append((worker.number, worker.chunk, kills))
