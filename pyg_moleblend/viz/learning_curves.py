from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure


def plot_learning_curves(runs: Mapping[str, str | Path], value: str, label: str | None = None) -> Figure:
    r"""The course of one logged value in several runs.

    Args:
        runs: Name of each run, and its folder; all of its logs are read, should it have been resumed.
        value: Name of the logged value, ``"valid/loss"`` say.
        label: Label of the axis; the value's name by default.

    Returns:
        The figure; ``figure.savefig(path)`` writes it.

    Raises:
        FileNotFoundError: If there is no log in a folder.
        ValueError: If a log does not have the value.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for name, folder in runs.items():
        files = sorted(Path(folder).glob("csv/version_*/metrics.csv"))
        if not files:
            raise FileNotFoundError(f"there is no log csv/version_*/metrics.csv in {folder}")
        log = pd.concat([pd.read_csv(file) for file in files])
        if value not in log:
            raise ValueError(f"the log of {folder} has no column {value!r}, only {list(log)}")
        course = log[["epoch", value]].dropna()
        axis.plot(course["epoch"] + 1, course[value], marker=".", label=name)
    axis.set(xlabel="epoch", ylabel=label or value)
    axis.legend()
    axis.grid(alpha=0.3)
    return figure
