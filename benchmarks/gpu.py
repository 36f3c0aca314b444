r"""What share of a GPU's matrix peak the pretraining step reaches, eager and compiled, with the kernels that take the
time.

    python benchmarks/gpu.py --table pcqm4mv2.csv:smiles --out gpu.json
    python benchmarks/gpu.py --table pcqm4mv2.csv:smiles --precisions "bf16, compiled" --trace trace.json

Batches lie on the device beforehand, and the models have the 24 bonds of the authors' release. ``--device cpu`` runs
the same on the CPU, to try the script.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch_geometric.data import Batch

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.model_runs import CONFIGS, bucketed, with_coordinates
from benchmarks.model_speed import encoder_flops
from benchmarks.speed import readable, tables
from benchmarks.timing import environment, matrix_peak, seconds_of, write_json
from pyg_moleblend.models import MoleBlendForPretraining, estimate_flops

KERNELS = 25
_PROFILED = 3


class Precision(NamedTuple):
    r"""In which numbers a step is computed, and whether it is compiled."""

    dtype: torch.dtype
    compiled: bool


PRECISIONS = {
    "float32": Precision(torch.float32, False),
    "bf16": Precision(torch.bfloat16, False),
    "bf16, compiled": Precision(torch.bfloat16, True),
}


def measure(
    name: str, precision: Precision, batches: Sequence[Batch], device: str, steps: int, trace: Path | None
) -> dict:
    r"""Rate, share of the peak, memory and kernels of a step.

    Returns:
        ``molecules_per_s``, the median over steps; ``useful``, the encoder's linear maps on real tokens, and
        ``achieved``, all matrix products with their padding, as a share of the device's matrix peak in the same
        precision; ``peak_bytes``; ``kernels``, the share of the longest in the device's time.
    """
    config = CONFIGS[name]
    torch.manual_seed(0)
    model = MoleBlendForPretraining(config).to(device)
    if precision.compiled:
        model.compile(fullgraph=True, dynamic=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        with torch.autocast(device, precision.dtype, enabled=precision.dtype is not torch.float32):
            loss = model.step(batch).loss
        loss.backward()
        optimizer.step()

    given = list(itertools.islice(itertools.cycle(batches), steps))
    for batch in given[: len(batches)]:  # what is compiled or allocated for a new size is not measured
        step(batch)
    peak = matrix_peak(device=device, dtype=precision.dtype)
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    rates, useful, achieved = [], [], []
    for batch in given:
        second = seconds_of(lambda batch=batch: step(batch), device)
        largest = int(batch.ptr.diff().max())
        rates.append(batch.num_graphs / second)
        useful.append(encoder_flops(config, batch, "step") / second / peak)
        achieved.append(estimate_flops(config, batch.num_graphs, largest, training=True) / second / peak)
    with profile(activities=_activities(device)) as profiler:
        for batch in given[:_PROFILED]:
            step(batch)
    if trace is not None:
        profiler.export_chrome_trace(str(trace))
    return {
        "peak_tflops": peak / 1e12,
        "molecules_per_s": median(rates),
        "useful": median(useful),
        "achieved": median(achieved),
        "peak_bytes": torch.cuda.max_memory_allocated() if device == "cuda" else None,
        "kernels": _kernels(profiler, device),
    }


def _activities(device: str) -> list[ProfilerActivity]:
    return [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]


def _kernels(profiler: profile, device: str) -> dict[str, float]:
    events = profiler.key_averages()
    if device == "cuda":  # the kernels themselves, not the operations that start them, which have their time, too
        kernels = [e for e in events if e.device_type == DeviceType.CUDA and not e.is_user_annotation]
        times = {event.key: event.self_device_time_total for event in kernels}
    else:
        times = {event.key: event.self_cpu_time_total for event in events}
    longest = sorted(times, key=lambda key: -times[key])[:KERNELS]
    return {key: times[key] / sum(times.values()) for key in longest}


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="append", metavar="FILE:COLUMN", required=True, help="CSV file of SMILES")
    parser.add_argument("--molecules", type=int, default=16384, help="how many molecules, evenly spread over all")
    parser.add_argument("--model", choices=list(CONFIGS), default="12x768")
    parser.add_argument("--precisions", nargs="+", choices=list(PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--trace", type=Path, help="Chrome trace of the last precision")
    parser.add_argument("--out", type=Path, help="JSON file")
    args = parser.parse_args(argv)
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no CUDA device, or this PyTorch is built without CUDA; --device cpu tries the script")
    molecules = with_coordinates(readable(tables(args.table), args.molecules))
    batches = [batch.to(args.device) for batch in bucketed(molecules, args.batch_size)]
    result: dict[str, Any] = {
        "environment": environment(),
        "device": torch.cuda.get_device_name() if args.device == "cuda" else "cpu",
        "model": args.model,
        "batch_size": args.batch_size,
        "molecules": len(molecules),
        "mean_atoms": sum(molecule.num_nodes for molecule in molecules) / len(molecules),
        "precisions": {},
    }
    for name in args.precisions:
        trace = args.trace if name == args.precisions[-1] else None
        result["precisions"][name] = measure(args.model, PRECISIONS[name], batches, args.device, args.steps, trace)
    print(json.dumps(result, indent=2))
    if args.out is not None:
        write_json(args.out, result)
    return result


if __name__ == "__main__":
    main()
