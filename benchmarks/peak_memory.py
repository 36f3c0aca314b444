r"""The largest resident memory of a model's steps or forward passes, in a process that imports no more than they need.

``python -m benchmarks.peak_memory MODEL PART WAY THREADS`` reads SMILES from the standard input, a line each, and
prints bytes: those of the libraries, weights, gradients and optimizer included.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch

from benchmarks.model_runs import CONFIGS, WAYS, Part, with_coordinates
from benchmarks.timing import peak_resident

BATCHES = 12


def measure_apart(name: str, part: Part, way: str, smiles: Sequence[str]) -> int:
    r"""Bytes that a process of its own takes at most.

    Args:
        name: Of :data:`~benchmarks.model_runs.CONFIGS`.
        part: ``"step"`` or ``"forward"``.
        way: Of :data:`~benchmarks.model_runs.WAYS`.
        smiles: SMILES that RDKit can read.
    """
    command = [sys.executable, "-m", __name__, name, part, way, str(torch.get_num_threads())]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, input="\n".join(smiles), stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    return int(done.stdout)


def main(argv: Sequence[str]) -> None:
    r"""Runs the first batches and prints the bytes."""
    name, part, way, threads = argv[0], cast(Part, argv[1]), *argv[2:]
    torch.set_num_threads(int(threads))
    make, batches = WAYS[part][way]
    run = make(CONFIGS[name], part)
    for batch in batches(with_coordinates(sys.stdin.read().splitlines()))[:BATCHES]:
        run(batch)
    print(peak_resident())


if __name__ == "__main__":
    main(sys.argv[1:])
