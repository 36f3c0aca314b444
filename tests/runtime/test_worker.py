import multiprocessing
import time

import pytest

from pyg_moleblend.runtime.worker import Worker


def double(chunk, kills, started):
    for item, value in enumerate(chunk):
        started(item)
        if value == "sleep":
            time.sleep(60)
        if value == "fail":
            raise ValueError(f"cannot double {value}")
    return [2 * value for value in chunk], list(kills)


def test_a_worker_gives_results_and_errors_and_dies_when_it_is_killed():
    worker = Worker(multiprocessing.get_context("spawn"), double, deadline=30.0)
    worker.give(7, [1, 2], [0])
    assert worker.result() == ([2, 4], [0])
    assert (worker.number, worker.item(), worker.seconds()) == (7, -1, 0.0)
    worker.give(8, ["fail"], [])
    with pytest.raises(ValueError, match="cannot double fail"):
        worker.result()
    worker.give(9, [1, "sleep"], [])
    while worker.item() != 1:
        time.sleep(0.01)
    assert 0 <= worker.seconds() < 30
    assert worker.kill() not in (0, None)
    with pytest.raises(EOFError):
        worker.result()
