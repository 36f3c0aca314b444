r"""Figures of a report, as SVG text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pyg_moleblend.metrics import TaskType
from pyg_moleblend.viz.domain import draw_error_by_similarity
from pyg_moleblend.viz.parity import draw_parity
from pyg_moleblend.viz.ranking import draw_precision_recall, draw_reliability, draw_roc, has_both_classes

SIZE = 4.2, 3.8
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_COURSES = ("loss", "rmse", "rocauc", "mae", "ap", "r2")


def target_figures(known: pd.DataFrame, kind: TaskType, unit: str) -> dict[str, str]:
    r"""Figures of one target, by title.

    Args:
        known: ``part``, ``label``, ``prediction``, and where there are such ``lower``, ``upper`` and ``similarity``, of
            molecules with a label.
        kind: What the labels are.
        unit: Their unit.
    """
    parts = {
        str(name): (rows["label"].to_numpy(float), rows["prediction"].to_numpy(float))
        for name, rows in known.groupby("part", sort=False)
    }
    if kind == "classification":
        parts = {name: pair for name, pair in parts.items() if has_both_classes(pair[0])}
        if not parts:
            return {}
        drawn: dict[str, Callable[[Axes], None]] = {
            "Ranking": lambda axis: draw_roc(axis, parts),
            "Precision and recall": lambda axis: draw_precision_recall(axis, parts),
            "How often a probability comes true": lambda axis: draw_reliability(axis, parts),
        }
    else:
        if not parts:
            return {}
        drawn = {"Predicted and true": lambda axis: draw_parity(axis, parts, unit)}
        if "similarity" in known and known["similarity"].notna().any():
            near = known[known["similarity"].notna()]
            errors = (near["label"] - near["prediction"]).abs()
            domain = {
                str(name): (rows["similarity"].to_numpy(float), errors[rows.index].to_numpy(float))
                for name, rows in near.groupby("part", sort=False)
            }
            drawn["Errors where the model knows little"] = lambda axis: draw_error_by_similarity(axis, domain, unit)
    return {title: _svg(draw) for title, draw in drawn.items()}


def learning_curves(run: Path) -> dict[str, str]:
    r"""The course of a training, by title; nothing where there is no log."""
    files = sorted(run.glob("csv/version_*/metrics.csv"))
    if not files:
        return {}
    log = pd.concat([pd.read_csv(file) for file in files])
    figures = {}
    for value in _COURSES:
        courses = {}
        for part in ("train", "valid"):
            if (name := f"{part}/{value}") in log:
                courses[part] = log[["epoch", name]].dropna().groupby("epoch")[name].last()
        if courses:
            figures[f"Course of {value}"] = _svg(lambda axis, c=courses, v=value: _draw_course(axis, c, v))  # type: ignore[misc]
    return figures


def _draw_course(axis: Axes, courses: dict[str, pd.Series[float]], label: str) -> None:
    for part, course in courses.items():
        axis.plot(course.index + 1, course, marker=".", label=part)
    axis.set(xlabel="epoch", ylabel=label)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False, fontsize="small")


def _svg(draw: Callable[[Axes], None]) -> str:
    with mpl.rc_context({"svg.hashsalt": "report", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=SIZE, layout="constrained")
        axis = figure.subplots()
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.2)
        draw(axis)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _PROLOGUE.sub("", text.getvalue(), count=1)
