r"""How fast the models are: the pretraining step and the forward pass, ours and the plain baseline's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from torch_geometric.data import Batch

from benchmarks.model_runs import CONFIGS, WAYS, Part, Run, with_coordinates
from benchmarks.peak_memory import measure_apart
from benchmarks.timing import matrix_peak
from pyg_moleblend.models import MoleBlendConfig

ROUNDS = 3
MEMORY_OF = ("ours", "ours, checkpointing", "plain")


def measure_model(name: str, part: Part, smiles: Sequence[str], batches: int = 12) -> dict[str, Any]:
    r"""Molecules a second of one model, all of :data:`~benchmarks.model_runs.WAYS` in turn, round by round.

    Args:
        name: Of :data:`~benchmarks.model_runs.CONFIGS`.
        part: The pretraining step (forward, backward, optimizer), or the encoder's forward pass.
        smiles: SMILES that RDKit can read; coordinates are random.
        batches: Batches of a round.

    Returns:
        For each way, as the median of :data:`ROUNDS` rounds after one batch unmeasured: molecules a second, and the
        share of the machine's matrix peak that the encoder's linear maps on real tokens reach; for some also the
        largest resident memory in bytes, in a process of its own.
    """
    config, molecules = CONFIGS[name], with_coordinates(smiles)
    given = {way: make_batches(molecules)[:batches] for way, (_, make_batches) in WAYS[part].items()}
    runs = {way: make(config, part) for way, (make, _) in WAYS[part].items()}
    seconds: dict[str, list[float]] = {way: [] for way in runs}
    peaks = []
    for _ in range(ROUNDS):
        for way, run in runs.items():
            peaks.append(matrix_peak())
            _timed(run, given[way][0])  # what the others left in the caches is not this one's doing
            seconds[way].append(sum(_timed(run, batch) for batch in given[way]))
    peak, result = median(peaks), {}
    for way in runs:
        second = median(seconds[way])
        useful = sum(encoder_flops(config, batch, part) for batch in given[way]) / second / peak
        result[way] = {"molecules_per_s": sum(batch.num_graphs for batch in given[way]) / second, "useful": useful}
        if way in MEMORY_OF:
            result[way]["peak_bytes"] = measure_apart(name, part, way, smiles)
    return {
        "peak_gflops": peak / 1e9,
        "mean_atoms": sum(b.num_nodes for b in given["ours"]) / sum(b.num_graphs for b in given["ours"]),
        "results": result,
        "ratio": result["ours"]["molecules_per_s"] / result["plain"]["molecules_per_s"],
        "ratio_same_batches": result["ours"]["molecules_per_s"] / result["plain, bucketed"]["molecules_per_s"],
    }


def _timed(run: Run, batch: Batch) -> float:
    getattr(run, "prepare", lambda _: None)(batch)
    start = time.perf_counter()
    run(batch)
    return time.perf_counter() - start


def encoder_flops(config: MoleBlendConfig, batch: Batch, part: Part) -> float:
    r"""Of the layers' linear maps on real tokens; a step has them three times."""
    tokens = batch.num_nodes + batch.num_graphs
    weights = config.num_layers * (4 * config.channels**2 + 2 * config.channels * config.ffn_channels)
    return 2 * tokens * weights * (3 if part == "step" else 1)
