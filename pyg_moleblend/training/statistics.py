from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.datasets.targets import take
from pyg_moleblend.loader import molecule_loader
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import Recover

SAMPLE = 20_000
r"""Molecules that statistics are computed from."""


@torch.no_grad()
def fit_statistics(
    model: MoleBlendForPretraining, molecules: Sequence[Data] | Any, sample: int = SAMPLE, seed: int = 0
) -> None:
    r"""Computes what objectives standardise their targets by, for those that have not been given it yet.

    Args:
        model: The model; the buffers of its objectives are filled.
        molecules: The training molecules; a sample of them is looked at.
        sample: Most molecules to look at.
        seed: Seed of the sample.
    """
    wanting = [objective for _, objective in model.items() if isinstance(objective, Recover) and not objective.fitted]
    if not wanting or not len(molecules):
        return
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(molecules), generator=generator)[:sample].sort().values
    rows: dict[int, list[Tensor]] = {number: [] for number in range(len(wanting))}
    device = next(model.parameters()).device
    for batch in molecule_loader(take(molecules, chosen), 256):
        packed = model.pack(batch.to(device))
        for number, objective in enumerate(wanting):
            rows[number].append(objective.known_rows(packed))
    for number, objective in enumerate(wanting):
        objective.fit(torch.cat(rows[number]))
