from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pyg_moleblend.inference.recovery_report import NOTHING, RecoveryReport, Table

_COLUMNS = 4


def plot_recovery(report: RecoveryReport) -> Figure:
    r"""How well each relation is recovered from what was given, a panel an objective; the control is a dashed line.

    The upper row has the qualities; the lower one the usable information of objectives that are likelihoods, which is
    0 for the control.

    Args:
        report: What :func:`~pyg_moleblend.inference.recovery_report.recovery_report` found.

    Returns:
        The figure; ``figure.savefig(path)`` writes it.

    Raises:
        ValueError: If the report has no objectives.
    """
    panels: list[tuple[str, Table, str]] = [(f"{n}: {q}", report.quality, n) for n, q in report.quality_names.items()]
    informed = {name for row in report.information.values() for name in row}
    panels += [
        (f"{name}: usable information [nats]", report.information, name)
        for name in report.quality_names
        if name in informed
    ]
    if not panels:
        raise ValueError("the report has no objectives: nothing was recovered")
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(4 * columns, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (title, table, name) in zip(axes, panels, strict=False):
        _bars(axis, title, {given: row[name] for given, row in table.items() if name in row})
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    return figure


def _bars(axis: Axes, title: str, values: dict[str, float]) -> None:
    names = list(values)
    axis.barh(names, list(values.values()), color=["0.7" if name == NOTHING else "C0" for name in names])
    axis.axvline(values.get(NOTHING, 0.0), color="0.3", linestyle="--", linewidth=1)
    axis.invert_yaxis()
    axis.set_title(title, fontsize="medium")
    axis.bar_label(axis.containers[0], fmt="%.3f", padding=2, fontsize="small")  # type: ignore[arg-type]
    axis.margins(x=0.25)
