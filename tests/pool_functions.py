r"""What the workers of the tests of ``map_chunks`` do; a module of its own, so that a spawned process can import it."""

import ctypes
import os
import time
from collections.abc import Callable, Sequence

Started = Callable[[int], None]


def squares(chunk: Sequence[int], kills: Sequence[int], started: Started) -> list[int]:
    return [item**2 for item in chunk]


def slow_first(chunk: Sequence[int], kills: Sequence[int], started: Started) -> list[int]:
    time.sleep(0.5 if 0 in chunk else 0.0)
    return list(chunk)


def stubborn(chunk: Sequence[str], kills: Sequence[int], started: Started) -> list[tuple[str, int]]:
    r"""Does what an item says, unless that has ended a worker already."""
    for i, item in enumerate(chunk):
        started(i)
        if kills[i]:
            continue
        if item == "hang in C":
            ctypes.PyDLL(None).sleep(1000)  # keeps the GIL: no thread and no signal handler of Python runs
        elif item == "abort":
            os.abort()
    started(-1)
    return list(zip(chunk, kills, strict=True))


def incorrigible(chunk: Sequence[int], kills: Sequence[int], started: Started) -> None:
    started(2)
    os._exit(3)


def dies_between_items(chunk: Sequence[int], kills: Sequence[int], started: Started) -> None:
    os._exit(7)


def raises(chunk: Sequence[int], kills: Sequence[int], started: Started) -> None:
    raise KeyError(f"no {chunk[0]}")


def cannot_be_sent(chunk: Sequence[int], kills: Sequence[int], started: Started) -> object:
    return lambda: None


def reports_pid(chunk: Sequence[str], kills: Sequence[int], started: Started) -> int:
    r"""Says which process it is in, by a file, and stays there, in C."""
    with open(chunk[0], "a") as file:
        file.write(f"{os.getpid()}\n")
    started(0)
    ctypes.PyDLL(None).sleep(1000)
    return os.getpid()


def is_hit_once(chunk: Sequence[tuple[str, int]], kills: Sequence[int], started: Started) -> list[int]:
    r"""At each item sends itself a signal, the first time that it is looked at; gives ``kills``."""
    for i, (marker, number) in enumerate(chunk):
        started(i)
        if not os.path.exists(marker):
            with open(marker, "x"):
                os.kill(os.getpid(), number)
    started(-1)
    return list(kills)
