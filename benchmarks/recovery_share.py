r"""What recovering the bonds along the paths takes of a pretraining step: where only the hops that count are computed,
as on CPUs, and where the prediction is made for all pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from torch_geometric.data import Batch

from benchmarks.model_runs import bucketed, with_coordinates
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, default_objectives
from pyg_moleblend.nn import BondPathRecovery
from pyg_moleblend.nn.objectives import recovery

CONFIG = MoleBlendConfig(channels=128, num_layers=4, heads=8, ffn_channels=128)
NUM_PAIRS = (None, 32)
_CHOOSES = {"counted": recovery.chooses_entries, "all_pairs": lambda state: False}


def measure_recovery(smiles: Sequence[str], batches: int = 12, repeats: int = 5) -> dict[str, Any]:
    r"""Seconds of the processor for a step of 4 layers x 128 channels with all 60 bonds, with and without
    ``num_pairs``, and the share that is gone where bonds are not recovered; both ways take turns.

    Args:
        smiles: SMILES that RDKit can read; coordinates are random.
        batches: Batches of a round, of like size.
        repeats: Rounds, after one unmeasured.
    """
    given, result = bucketed(with_coordinates(smiles))[:batches], {}
    for num_pairs in NUM_PAIRS:
        torch.manual_seed(0)
        bonds = BondPathRecovery(CONFIG.channels, CONFIG.max_path_length, num_pairs=num_pairs)
        others = {key: value for key, value in default_objectives(CONFIG).items() if key != "bond_path"}
        steps = {
            "without": (_stepping(MoleBlendForPretraining(CONFIG, objectives=others)), "counted"),
            **{
                name: (_stepping(MoleBlendForPretraining(CONFIG, objectives={**others, "bond_path": bonds})), name)
                for name in _CHOOSES
            },
        }
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for number in range(repeats + 1):
            for name in list(steps) if number % 2 else list(steps)[::-1]:
                step, way = steps[name]
                with patch.object(recovery, "chooses_entries", _CHOOSES[way]):
                    start = time.process_time()
                    for batch in given:
                        step(batch)
                    if number:
                        seconds[name].append((time.process_time() - start) / len(given))
        pairs = list(zip(seconds["counted"], seconds["all_pairs"], strict=True))
        result["all" if num_pairs is None else f"num_pairs={num_pairs}"] = {
            "seconds_a_step": {name: median(values) for name, values in seconds.items()},
            "share": {
                name: median(1 - rest / whole for rest, whole in zip(seconds["without"], seconds[name], strict=True))
                for name in _CHOOSES
            },
            "step_counted_to_all_pairs": median(counted / whole for counted, whole in pairs),
        }
    return result


def _stepping(model: MoleBlendForPretraining) -> Callable[[Batch], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        model.step(batch).loss.backward()
        optimizer.step()

    return step
