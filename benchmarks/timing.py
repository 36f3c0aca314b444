r"""What every measurement of speed needs: repeats, the machine's own peak, and what it was measured on."""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch

from pyg_moleblend.runtime.files import atomic_write

_SIDE = {"cpu": 1024, "cuda": 8192}
_PACKAGES = ("pyg-moleblend", "torch", "torch-geometric", "rdkit", "numpy")


def matrix_peak(repeats: int = 3, device: str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    r"""Operations a second of a large matrix product, the best of some: measured again in every run, for it differs
    from minute to minute where a machine is shared."""
    side = _SIDE[device]
    a, b = torch.randn(2, side, side, device=device, dtype=dtype)
    return 2 * side**3 / min(seconds_of(lambda: a @ b, device) for _ in range(repeats))


def seconds_of(run: Callable[[], object], device: str = "cpu") -> float:
    r"""How long one call takes, what it starts on a GPU included."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - start


def alternate(runs: Mapping[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    r"""Median seconds of several functions that are called in turn, so that a disturbance meets all of them.

    Args:
        runs: The functions by name; each is called once before, unmeasured.
        repeats: Measured calls of each.
    """
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            seconds[name].append(seconds_of(run))
    return {name: median(values) for name, values in seconds.items()}


def peak_resident() -> int:
    r"""Bytes of the largest resident memory that this process ever had."""
    status = Path("/proc/self/status")
    if status.is_file():  # what getrusage says begins with the memory of the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def environment() -> dict[str, Any]:
    r"""The machine and the versions."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "preloaded": [Path(path).name for path in os.environ.get("LD_PRELOAD", "").replace(":", " ").split()],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def write_json(path: str | Path, result: Mapping[str, Any]) -> None:
    r"""Writes a result, whole or not at all."""
    with atomic_write(path, "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")
