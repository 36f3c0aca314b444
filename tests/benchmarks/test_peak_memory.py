from benchmarks.peak_memory import measure_apart
from benchmarks.timing import peak_resident


def test_memory_is_that_of_a_process_of_its_own():
    found = measure_apart("6x256", "forward", "ours", ["CCO", "N"])
    assert 2e8 < found < 1e9
    ballast = bytearray(int(1e9))
    assert measure_apart("6x256", "forward", "ours", ["CCO", "N"]) < 1e9 < peak_resident()
    assert len(ballast) == 1e9
