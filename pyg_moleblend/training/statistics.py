from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.datasets.targets import take
from pyg_moleblend.loader import molecule_loader
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.models.moleblend import pack_for
from pyg_moleblend.models.wanted import wanted_by

SAMPLE = 20_000
r"""Molecules that statistics are computed from."""

MAX_ROWS = 1_000_000
r"""About as many atoms, or pairs of atoms, of them are looked at."""

_BATCH_SIZE = 256


@torch.no_grad()
def fit_statistics(
    model: MoleBlendForPretraining, molecules: Sequence[Data] | Any, sample: int = SAMPLE, seed: int = 0
) -> None:
    r"""Computes what objectives standardise their targets by, for those that do not know it yet.

    These have a method ``fit(rows)``, a buffer ``fitted`` that is still False, and ``known_rows(molecules)``, which
    gives the rows ``[M, size]`` of their field; see :class:`~pyg_moleblend.nn.Recover`.

    Args:
        model: The model; the buffers of its objectives are filled.
        molecules: The training molecules; a sample of them is looked at.
        sample: Most molecules to look at. (default: :obj:`20000`)
        seed: Seed of the sample. (default: :obj:`0`)
    """
    wanting: list[Any] = [
        objective
        for _, objective in model.items()
        if hasattr(objective, "fit") and not bool(getattr(objective, "fitted", False))
    ]
    if not wanting or not len(molecules):
        return
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(molecules), generator=generator)[:sample].sort().values
    batches = molecule_loader(take(molecules, chosen), _BATCH_SIZE)
    most = max(MAX_ROWS // len(batches), 1)
    rows: dict[int, list[Tensor]] = {number: [] for number in range(len(wanting))}
    for batch in batches:
        packed = pack_for(model.encoder, wanted_by(wanting), batch, model.config, "2d+3d")
        for number, objective in enumerate(wanting):
            found = objective.known_rows(packed)
            if len(found) > most:
                found = found[torch.randperm(len(found), generator=generator)[:most]]
            rows[number].append(found)
    for number, objective in enumerate(wanting):
        objective.fit(torch.cat(rows[number]))
