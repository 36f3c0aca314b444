r"""MoleculeACE as a figure: the means over its 30 targets of what is in results/, beside published ones.

python -m benchmarks.figure docs/moleculeace.svg
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from pyg_moleblend.datasets.moleculeace import TARGETS
from pyg_moleblend.runtime.open_file import read_json

RESULTS = Path(__file__).parent / "results"
OURS = {
    "quick-tiny": "quick model with moleblend-tiny",
    "quick": "quick model: kernels and forests",
    "frozen": "moleblend-tiny, frozen",
}
PUBLISHED = {
    "CheMeleon": (0.666, 0.765),
    "forest on Morgan bits": (0.694, 0.781),
    "MiniMol": (0.700, 0.792),
    "Chemprop": (0.832, 0.896),
}
r"""RMSE on all molecules and on activity cliffs, by the authors of CheMeleon (arXiv 2506.15792), on the same split."""


def means(name: str) -> tuple[float, float]:
    r"""Mean RMSE over all targets, on all test molecules and on activity cliffs."""
    runs = [read_json(RESULTS / f"{name}_{target}.json")["cells"][0]["runs"] for target in TARGETS]
    every = [sum(run[key] for run in of) / len(of) for key in ("value", "cliff_value") for of in runs]
    half = len(TARGETS)
    return sum(every[:half]) / half, sum(every[half:]) / half


def draw() -> Figure:
    r"""The figure."""
    rows = {label: (*means(name), "C0") for name, label in OURS.items()}
    rows |= {f"{label} (published)": (*values, "0.7") for label, values in PUBLISHED.items()}
    rows = dict(sorted(rows.items(), key=lambda row: row[1][0], reverse=True))
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for place, (axis, title) in enumerate(zip(axes, ("all test molecules", "activity cliffs"), strict=True)):
        values, colours = [row[place] for row in rows.values()], [row[2] for row in rows.values()]
        axis.scatter(values, list(rows), color=colours, s=60, zorder=2)
        for value, name in zip(values, rows, strict=True):
            axis.annotate(f"{value:.3f}", (value, name), (7, -4), textcoords="offset points", fontsize="small")
        axis.grid(axis="both", alpha=0.25)
        axis.set(title=f"{title}, RMSE", xlim=(0.58, 0.98))
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def main(argv: Sequence[str]) -> None:
    r"""Writes the figure into the file that is named."""
    with mpl.rc_context({"svg.hashsalt": "moleculeace", "svg.fonttype": "none", "font.family": "sans-serif"}):
        draw().savefig(argv[0], metadata={"Date": None} if argv[0].endswith(".svg") else None)


if __name__ == "__main__":
    main(sys.argv[1:])
