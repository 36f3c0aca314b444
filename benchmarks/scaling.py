r"""Time and memory of a pretraining step by molecule size and model, and a cost model fitted to them.

``python benchmarks/scaling.py --out benchmarks/results/scaling.json`` takes some minutes. The cost model is
``seconds = operations / rate + bytes / bandwidth`` with the operations and bytes of ``pyg_moleblend.models``; both
coefficients come from the odd-numbered measurements, the errors from all.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import torch
from torch_geometric.data import Batch, Data

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.timing import environment, matrix_peak, peak_resident, write_json
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, estimate_flops, estimate_memory
from pyg_moleblend.models.cost import PAPER_PAIR_OUTPUTS

SIZES = (10, 20, 32, 64, 128, 256, 512)
MODELS: dict[str, MoleBlendConfig] = {
    "6x256": MoleBlendConfig(),
    "6x512": MoleBlendConfig(channels=512, ffn_channels=512, heads=32),
    "12x768": MoleBlendConfig.paper(drop_path=0.0),
}
PAIRS = 32 * 20**2
r"""Padded pairs of a batch; a molecule of more is a batch of its own."""

REPEATS = 3


def chain(size: int, seed: int = 0) -> Data:
    r"""A chain of carbon atoms with random coordinates: what costs is the number of atoms, not what they are."""
    start = torch.arange(size - 1)
    bonds = torch.stack([start, start + 1])
    return Data(
        x=torch.tensor([[5, 0, 4, 5, 2, 0, 2, 0, 0]]).repeat(size, 1),
        edge_index=torch.cat([bonds, bonds.flip(0)], dim=1),
        edge_attr=torch.zeros(2 * size - 2, 3, dtype=torch.long),
        pos=3 * torch.randn(size, 3, generator=torch.Generator().manual_seed(seed)),
    )


def measure(name: str, size: int, activation_checkpointing: bool, threads: int) -> dict[str, Any]:
    r"""One point, to be run in a process of its own: its resident memory is the point's."""
    torch.set_num_threads(threads)
    config, batch_size = MODELS[name], max(PAIRS // size**2, 1)
    torch.manual_seed(0)
    model = MoleBlendForPretraining(config)
    model.encoder.activation_checkpointing = activation_checkpointing
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step(batch: Batch) -> None:
        optimizer.zero_grad(set_to_none=False)
        model.step(batch).loss.backward()
        optimizer.step()

    step(Batch.from_data_list([chain(4)]))  # weights, gradients and the optimizer's state are there
    before = psutil.Process().memory_info().rss
    batch = Batch.from_data_list([chain(size, seed) for seed in range(batch_size)])
    step(batch)
    peak_memory = peak_resident()
    peak, seconds = [], []
    for _ in range(REPEATS):
        peak.append(matrix_peak())
        start = time.perf_counter()
        step(batch)
        seconds.append(time.perf_counter() - start)
    flops = estimate_flops(config, batch_size, size, training=True)
    return {
        "model": name,
        "atoms": size,
        "batch_size": batch_size,
        "activation_checkpointing": activation_checkpointing,
        "seconds": median(seconds),
        "molecules_per_s": batch_size / median(seconds),
        "matrix_peak_flops": median(peak),
        "achieved": flops / median(seconds) / median(peak),
        "flops": flops,
        "resident_bytes": peak_memory,
        "batch_bytes": peak_memory - before,
        "estimated_bytes": estimate_memory(
            config, batch_size, size, True, activation_checkpointing, PAPER_PAIR_OUTPUTS
        ),
    }


def fit(points: Sequence[dict[str, Any]]) -> dict[str, float]:
    r"""Rate (as a share of the matrix peak) and bandwidth that explain the seconds, weighted so that each point's
    relative error counts the same."""
    plain = [point for point in points if not point["activation_checkpointing"]]
    work = np.array([[p["flops"] / p["matrix_peak_flops"], p["estimated_bytes"]] for p in plain])
    seconds = np.array([p["seconds"] for p in plain])
    chosen = slice(None, None, 2)
    per_unit, *_ = np.linalg.lstsq(work[chosen] / seconds[chosen, None], np.ones(len(seconds[chosen])), rcond=None)
    for point, predicted in zip(plain, work @ per_unit, strict=True):
        point["predicted_seconds"] = float(predicted)
    errors = np.abs(work @ per_unit / seconds - 1)
    return {
        "share_of_matrix_peak": float(1 / per_unit[0]),
        "bytes_per_s": float(1 / per_unit[1]),
        "median_relative_error_seconds": float(np.median(errors)),
        "largest_relative_error_seconds": float(errors.max()),
        "median_relative_error_bytes": float(
            np.median([abs(p["estimated_bytes"] / p["batch_bytes"] - 1) for p in points])
        ),
    }


def main() -> None:
    r"""Measures, fits, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="atoms of a molecule")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", default="scaling.json")
    args = parser.parse_args()
    points = []
    for name, size, checkpointed in itertools.product(args.models, args.sizes, (False, True)):
        if checkpointed and size < 128:  # nobody needs it there
            continue
        with get_context("spawn").Pool(1) as pool:
            points.append(pool.apply(measure, (name, size, checkpointed, args.threads)))
        point = points[-1]
        print(
            f"{name:7} N {size:4} B {point['batch_size']:4} {'checkpointed' if checkpointed else ' ' * 12} "
            f"{point['molecules_per_s']:8.1f} mol/s  {point['achieved']:.2f} of the peak  "
            f"{point['batch_bytes'] / 1e6:7.0f} MB (estimate {point['estimated_bytes'] / 1e6:.0f})"
        )
    result = {"environment": environment(), "fit": fit(points), "points": points}
    print(result["fit"])
    write_json(args.out, result)


if __name__ == "__main__":
    main()
