import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pool_functions as work
import pytest

from pyg_moleblend.runtime.worker_pool import in_chunks, map_chunks


@pytest.mark.parametrize("num_workers", [0, 2])
def test_results_come_in_the_order_of_the_chunks(num_workers: int) -> None:
    chunks = [[0, 1], [2], [], [3, 4, 5]] + [[i] for i in range(6, 30)]
    assert list(map_chunks(work.slow_first, chunks, num_workers, 20)) == chunks


def test_chunks_are_taken_as_they_are_needed() -> None:
    taken = 0

    def chunks():
        nonlocal taken
        for i in range(1000):
            taken += 1
            yield [i]

    results = map_chunks(work.squares, chunks(), 2, 20)
    assert taken == 0
    assert [next(results) for _ in range(3)] == [[0], [1], [4]]
    assert taken <= 2 + 4 * 2
    results.close()
    assert taken <= 2 + 4 * 2


def test_items_that_hang_or_crash_cost_their_worker_and_nothing_else() -> None:
    chunks = [["a", "hang in C", "b"], ["c"], ["abort", "d"], ["f"]]
    start = time.monotonic()
    found = list(map_chunks(work.stubborn, chunks, 2, 1.0))
    assert time.monotonic() - start < 60
    kills = {"hang in C": 1, "abort": 1}
    assert found == [[(item, kills.get(item, 0)) for item in chunk] for chunk in chunks]


def test_what_no_worker_survives_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyg_moleblend.runtime.worker_pool.MAX_UNEXPLAINED", 1)
    with pytest.raises(RuntimeError, match=r"1 worker processes in a row .* exit code 7"):
        list(map_chunks(work.dies_between_items, [[1]], 1, 20))


def test_an_item_cannot_end_workers_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyg_moleblend.runtime.worker_pool.MAX_KILLS", 0)
    with pytest.raises(RuntimeError, match="item 2 of chunk 0 has ended its worker 1 times"):
        list(map_chunks(work.incorrigible, [[1, 2, 3]], 1, 20))


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals")
def test_workers_that_somebody_stops_or_kills_cost_no_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyg_moleblend.runtime.worker_pool.LOOK", 0.2)
    chunk = [(str(tmp_path / "stopped"), signal.SIGSTOP), (str(tmp_path / "killed"), signal.SIGKILL)]
    assert list(map_chunks(work.is_hit_once, [chunk], 1, 600)) == [[0, 0]]


def test_a_script_may_come_from_the_standard_input() -> None:
    script = (
        "import pool_functions\nfrom pyg_moleblend.runtime.worker_pool import map_chunks\n"
        "print(list(map_chunks(pool_functions.squares, [[3]], 1, 600)))\n"
    )
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-"]
    found = subprocess.run(command, input=script, capture_output=True, text=True, env=environment, check=False)
    assert (found.stdout, found.returncode) == ("[[9]]\n", 0), found.stderr


@pytest.mark.parametrize("num_workers", [0, 1])
def test_errors_are_the_callers(num_workers: int) -> None:
    with pytest.raises(KeyError, match="no 5"):
        list(map_chunks(work.raises, [[5]], num_workers, 20))
    if num_workers:
        with pytest.raises(RuntimeError, match="cannot send its result"):
            list(map_chunks(work.cannot_be_sent, [[5]], num_workers, 20))


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        map_chunks(work.squares, [], -1, 20)
    for deadline in (0.0, float("nan")):
        with pytest.raises(ValueError, match="positive number of seconds"):
            map_chunks(work.squares, [], 1, deadline)
    assert list(map_chunks(work.squares, [], 2, 20)) == []


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path: Path, end: signal.Signals) -> None:
    script, pids = tmp_path / "script.py", tmp_path / "pids"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(work.__file__).parent)!r})\n"
        "import pool_functions\n"
        "from pyg_moleblend.runtime.worker_pool import map_chunks\n"
        "if __name__ == '__main__':\n"
        f"    list(map_chunks(pool_functions.reports_pid, [[{str(pids)!r}]], 1, 5.0))\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True)
    worker = int(wait_for(lambda: pids.exists() and pids.read_text().strip()))
    parent.send_signal(end)
    _, complaint = parent.communicate(timeout=120)
    assert complaint.count("Traceback") == (end == signal.SIGINT), complaint  # the parent's own
    wait_for(lambda: not alive(worker))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition, seconds: float = 40):
    start = time.monotonic()
    while not (value := condition()):
        assert time.monotonic() - start < seconds
        time.sleep(0.05)
    return value


def test_chunks_hold_every_item_once_and_are_taken_when_they_are_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(7):
            taken.append(item)
            yield item

    chunks = in_chunks(items(), 3)
    assert next(chunks) == taken == [0, 1, 2]
    assert list(chunks) == [[3, 4, 5], [6]]
    assert list(in_chunks([], 3)) == []


def test_a_worker_that_starts_does_not_hear_an_interrupt(tmp_path: Path) -> None:
    slow, script, pid = tmp_path / "slow_to_import.py", tmp_path / "script.py", tmp_path / "pid"
    slow.write_text(
        "import multiprocessing, os, pathlib, time\n"
        "if multiprocessing.current_process().name == 'moleblend-worker':\n"
        f"    pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "    time.sleep(2)\n"
        "def work(chunk, kills, started):\n"
        "    return chunk\n"
    )
    script.write_text(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import slow_to_import\n"
        "from pyg_moleblend.runtime.worker_pool import map_chunks\n"
        "if __name__ == '__main__':\n"
        "    print(list(map_chunks(slow_to_import.work, [[1]], 1, 5.0)))\n"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    parent = subprocess.Popen([sys.executable, str(script)], **pipes)
    os.kill(int(wait_for(lambda: pid.exists() and pid.read_text())), signal.SIGINT)
    assert parent.communicate(timeout=120) == ("[[1]]\n", "")
