import sys
from pathlib import Path

import pytest

import benchmarks.peer_commands as peer_commands
from benchmarks.peer_commands import Commands, Usage, measure_epochs, measure_predictions, run


def test_seconds_are_the_processors():
    usage = run(["-c", "import time; time.sleep(0.3); sum(range(10**6))"])
    assert 0 < usage.seconds < 0.3
    assert usage.peak_bytes > 2**20


def test_a_failure_says_what_was_written():
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno luck"):
        run(["-c", "import sys; print('no luck'); sys.exit(3)"])


def test_an_epoch_is_a_difference_and_ratios_are_of_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peer_commands, "required", lambda *_: sys)
    cost = {"ours": 2.0, "chemprop": 3.0}
    monkeypatch.setattr(Commands, "train", lambda self, peer, epochs: Usage(10 + cost[peer] * epochs, 5))
    monkeypatch.setattr(Commands, "predict", lambda self, peer, epochs, table: Usage(cost[peer], 7))
    commands = Commands(tmp_path, "table.csv", "smiles", "y")
    found = measure_epochs(commands, 8, 3)
    assert (found["seconds_an_epoch"], found["ratio"]) == (cost, 1.5)
    predicted = measure_predictions(commands, ["C", "CC"], 2)
    assert (predicted["seconds"], predicted["peak_bytes"]) == (cost, {"ours": 7, "chemprop": 7})
    with pytest.raises(ValueError, match="`epochs` must be more than 3, got 3"):
        measure_epochs(commands, 3, 1)
