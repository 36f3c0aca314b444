import time

import pytest
import torch

from benchmarks import timing


def test_the_median_of_functions_called_in_turn():
    calls = []

    def slow() -> None:
        calls.append("slow")
        time.sleep(0.02)

    seconds = timing.alternate({"slow": slow, "fast": lambda: calls.append("fast")}, repeats=3)
    assert calls == ["slow", "fast"] * 4
    assert seconds["slow"] >= 0.02 > seconds["fast"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_peak_is_that_of_a_large_product(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(timing._SIDE, "cpu", 64)
    given = []
    monkeypatch.setattr(timing, "seconds_of", lambda run, device: given.append(run()) or 2.0 / len(given))
    assert timing.matrix_peak(repeats=4, dtype=dtype) == 2 * 64**3 / 0.5
    assert {(tuple(value.shape), value.dtype) for value in given} == {((64, 64), dtype)}


def test_what_was_preloaded_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/one.so:/opt/two.so /opt/three.so")
    assert timing.environment()["preloaded"] == ["one.so", "two.so", "three.so"]
    monkeypatch.delenv("LD_PRELOAD")
    assert timing.environment()["preloaded"] == []
