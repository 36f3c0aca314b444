r"""How well each relation is recovered given nothing, each single relation, and all (arXiv 2307.06235, section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pyg_moleblend.inference.trivial_guess import trivial_guess
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import Denoising, Objective, constant_blend
from pyg_moleblend.nn.blending.blend import ALL, NONE
from pyg_moleblend.runtime.devices import move
from pyg_moleblend.utils import DenseMolecules

NOTHING, EVERYTHING, TRIVIAL = "nothing", "all", "trivial guess"

_ATOM_FEATURE = {"2d": 0, "3d": 1}  # the degree, or the sum over distances, goes with relations of its kind

Table = dict[str, dict[str, float]]


@dataclass(frozen=True)
class RecoveryReport:
    r"""Quality of each recovered relation by what was given.

    "nothing" is the control: no relation and neither the degree nor the 3D feature of an atom enters. What is recovered
    then follows from the atoms' own features. Only what a relation adds to that can be called recovered from it. The
    control is fair for models that have seen "nothing" in training (a blending with ``none`` above 0).

    Attributes:
        quality: ``{given: {objective: quality}}``, the last row being the best guess that does not look at the
            molecule; NaN where nothing could be counted.
        quality_names: What each objective's quality is.
        nats: ``{given: {objective: cross entropy}}`` in nats, of objectives that are likelihoods.
        molecules: How many molecules the report is of.
    """

    quality: Table
    quality_names: dict[str, str]
    nats: Table
    molecules: int = 0

    @property
    def information(self) -> Table:
        r"""Usable information in nats, ``{given: {objective: CE(nothing) - CE(given)}}`` (Xu et al. 2020,
        arXiv 2002.10689)."""
        base = self.nats.get(NOTHING, {})
        return {
            given: {name: base[name] - value for name, value in row.items()}
            for given, row in self.nats.items()
            if given != NOTHING
        }

    def to_dict(self) -> dict[str, Any]:
        r"""The report as plain values."""
        return {
            "quality": self.quality,
            "quality_names": self.quality_names,
            "nats": self.nats,
            "molecules": self.molecules,
        }

    def __str__(self) -> str:
        heads = {name: f"{name} ({what})" for name, what in self.quality_names.items()}
        text = _table(self.quality, heads)
        names = {name: f"{name} (nats)" for name in next(iter(self.nats.values()), {})}
        if not names:
            return text
        return (
            f"{text}\n\nusable information, beyond what the atoms say given nothing:\n{_table(self.information, names)}"
        )


def _table(rows: Mapping[str, Mapping[str, float]], heads: Mapping[str, str]) -> str:
    lines = [["given", *heads.values()]]
    lines += [[given, *(f"{row.get(name, math.nan):.4f}" for name in heads)] for given, row in rows.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in lines)


@torch.no_grad()
def recovery_report(model: MoleBlendForPretraining, batches: Iterable[Any]) -> RecoveryReport:
    r"""Recovers everything from nothing, from each single relation and from all, with clean coordinates and without
    dropout.

    Where any molecule has coordinates, the report is of the molecules that have, so that its rows can be compared.
    Denoising is no recovery and is left out.

    Args:
        model: The model; its mode is put back afterwards.
        batches: Batches of molecules, a loader say; gone through several times.
    """
    objectives = {name: objective for name, objective in model.items() if not isinstance(objective, Denoising)}
    device = next(model.parameters()).device
    chosen = list(_packed(model, batches, device))
    with_3d = [molecules.select(molecules.has_3d) for molecules in chosen if bool(molecules.has_3d.any())]
    chosen = with_3d or chosen
    given = {NOTHING: (NONE, NONE)}
    for number, (name, modality) in enumerate(model.modalities.items()):
        if modality == "2d" or with_3d:
            given[name] = (number, _ATOM_FEATURE[modality])
    given[EVERYTHING] = (ALL["2d+3d"], ALL["2d+3d"])
    was_training = model.training
    model.eval()
    try:
        found = {name: _recover(model, objectives, chosen, *numbers) for name, numbers in given.items()}
    finally:
        model.train(was_training)
    quality: Table = {name: qualities for name, (qualities, _) in found.items()}
    quality[TRIVIAL] = {name: trivial_guess(objective, lambda: chosen) for name, objective in objectives.items()}
    likely = [name for name, objective in objectives.items() if objective.is_likelihood]
    nats = {given: {name: losses[name] for name in likely} for given, (_, losses) in found.items()} if likely else {}
    names = {name: objective.quality_name for name, objective in objectives.items()}
    return RecoveryReport(quality, names, nats, sum(len(molecules.mask) for molecules in chosen))


def _packed(model: MoleBlendForPretraining, batches: Iterable[Any], device: torch.device) -> Iterator[DenseMolecules]:
    for batch in batches:
        yield model.pack(move(batch, device))


def _recover(
    model: MoleBlendForPretraining,
    objectives: Mapping[str, Objective],
    chosen: Iterable[DenseMolecules],
    relation: int,
    atom_feature: int,
) -> tuple[dict[str, float], dict[str, float]]:
    r"""Quality and loss of each objective where this enters, means over everything that was counted."""
    sums = torch.zeros(3, len(objectives), dtype=torch.float64)  # qualities, losses, counts
    for molecules in chosen:
        step = model.score(molecules, constant_blend(molecules, relation, atom_feature))
        for number, name in enumerate(objectives):
            total, weight = step.qualities[name]
            sums[0, number] += total.double().cpu()
            sums[1, number] += (step.losses[name] * weight).double().cpu()
            sums[2, number] += weight.double().cpu()
    qualities, losses = (sums[:2] / sums[2]).tolist()
    return dict(zip(objectives, qualities, strict=True)), dict(zip(objectives, losses, strict=True))
