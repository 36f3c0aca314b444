r"""Steps of property models, ours and those of other packages, on the very same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch_geometric.data import Batch, Data

from benchmarks.model_runs import bucketed, shuffled
from benchmarks.peer_models import GPS, Graphormer, Ours
from pyg_moleblend.models import MoleBlendConfig

SHAPES: dict[str, MoleBlendConfig] = {
    "4x128": MoleBlendConfig(channels=128, num_layers=4, heads=8, ffn_channels=128, dropout=0.1),
    "6x256": MoleBlendConfig(dropout=0.1),
    "12x768": MoleBlendConfig.paper(dropout=0.1, drop_path=0.0),
}
PEERS: dict[str, Callable[[MoleBlendConfig], Any]] = {"graphormer": Graphormer, "gps": GPS}


def measure_steps(
    config: MoleBlendConfig, molecules: Sequence[Data], peers: Sequence[str], count: int, repeats: int
) -> dict[str, Any]:
    r"""Molecules a second of the processor, all in turn on each batch.

    Args:
        config: Layers, channels, heads and dropouts of all models.
        molecules: The molecules.
        peers: Of :data:`PEERS`.
        count: Batches of each kind.
        repeats: Rounds, after one unmeasured.

    Returns:
        For batches of like size and for random ones the rates, and how many times as fast as each peer ours is on the
        same batches; and how many times as fast ours is on batches of like size as on random ones.
    """
    torch.manual_seed(0)
    models: dict[str, Any] = {"ours": Ours(config), **{name: PEERS[name](config) for name in peers}}
    steps = {name: _stepping(model) for name, model in models.items()}
    batches = {"like_size": bucketed(molecules)[:count], "random": shuffled(molecules)[:count]}
    if any(len(some) < count for some in batches.values()):
        raise ValueError(f"{len(molecules)} molecules make fewer than {count} batches")
    seconds: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in models} for kind in batches}
    for number in range(repeats + 1):
        for kind, some in batches.items():
            sums = dict.fromkeys(models, 0.0)
            for position, batch in enumerate(some):
                names = list(models)
                for name in names if (number + position) % 2 else names[::-1]:
                    sums[name] += steps[name](batch)
            for name, total in sums.items():
                if number:
                    seconds[kind][name].append(total)
    given = {kind: sum(batch.num_graphs for batch in some) for kind, some in batches.items()}
    rates = {kind: {name: given[kind] / median(values) for name, values in of.items()} for kind, of in seconds.items()}
    return {
        "weights": {name: sum(weight.numel() for weight in model.model_weights()) for name, model in models.items()},
        "molecules_per_s": rates,
        "times_as_fast": {
            kind: {
                name: median(theirs / ours for ours, theirs in zip(of["ours"], of[name], strict=True)) for name in peers
            }
            for kind, of in seconds.items()
        },
        "like_size_to_random": rates["like_size"]["ours"] / rates["random"]["ours"],
    }


def _stepping(model: Any) -> Callable[[Batch], float]:
    optimizer = torch.optim.AdamW(model.model_weights(), lr=1e-4, fused=True)

    def step(batch: Batch) -> float:
        forward, target = model.prepare(batch), torch.zeros(batch.num_graphs, 1)
        start = time.process_time()
        optimizer.zero_grad()
        F.mse_loss(forward(), target).backward()
        optimizer.step()
        return time.process_time() - start

    return step
