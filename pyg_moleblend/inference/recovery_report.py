r"""How well each relation is recovered when only one of them is given (arXiv 2307.06235, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from pyg_moleblend.inference.trivial_guess import trivial_guess
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import Denoising, Objective, constant_blend
from pyg_moleblend.utils import DenseMolecules

TRIVIAL = "trivial guess"

_ATOM_FEATURE = {"2d": 0, "3d": 1}  # the degree, or the sum over distances, goes with relations of its kind


@dataclass(frozen=True)
class RecoveryReport:
    r"""Quality of each recovered relation by the relation that was given.

    Attributes:
        quality: ``{given relation: {objective: quality}}``, the last row being the best guess that does not look
            at the molecule; NaN where nothing could be counted.
        quality_names: What each objective's quality is.
    """

    quality: dict[str, dict[str, float]]
    quality_names: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        r"""The report as plain values."""
        return {"quality": self.quality, "quality_names": self.quality_names}

    def __str__(self) -> str:
        heads = ["given"] + [f"{name} ({what})" for name, what in self.quality_names.items()]
        rows = [[given, *(f"{row[name]:.4f}" for name in self.quality_names)] for given, row in self.quality.items()]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(["  ".join(cell.rjust(width) for cell, width in zip(heads, widths, strict=True)), *lines])


@torch.no_grad()
def recovery_report(model: MoleBlendForPretraining, batches: Iterable[Any]) -> RecoveryReport:
    r"""Recovers every relation from each single one, with clean coordinates and without dropout.

    Molecules without coordinates are left out where a 3D relation is given. Denoising is no recovery and is left
    out.

    Args:
        model: The model; its mode is put back afterwards.
        batches: Batches of molecules, a loader say; gone through several times.
    """
    objectives = {
        name: objective
        for name, objective in model.objectives.items()
        if isinstance(objective, Objective) and not isinstance(objective, Denoising)
    }
    device = next(model.parameters()).device

    def packed() -> Iterator[DenseMolecules]:
        for batch in batches:
            yield model.pack(batch.to(device))

    def from_one(number: int, modality: str) -> dict[str, float]:
        sums = torch.zeros(2, len(objectives), dtype=torch.float64)  # totals and counts
        for molecules in packed():
            given = molecules.select(molecules.available(modality))
            if len(given.mask):
                output = model.score(given, constant_blend(given, number, _ATOM_FEATURE[modality]))
                parts = zip(*(output.qualities[name] for name in objectives), strict=True)
                sums += torch.stack([torch.stack(part).cpu() for part in parts])
        return dict(zip(objectives, (sums[0] / sums[1]).tolist(), strict=True))

    was_training = model.training
    model.eval()
    try:
        quality = {name: from_one(number, modality) for number, (name, modality) in enumerate(model.modalities.items())}
    finally:
        model.train(was_training)
    quality[TRIVIAL] = {name: trivial_guess(objective, packed) for name, objective in objectives.items()}
    return RecoveryReport(quality, {name: objective.quality_name for name, objective in objectives.items()})
