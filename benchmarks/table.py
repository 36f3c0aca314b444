r"""A table of results in files: one a dataset, written after every run, so that an interrupted table goes on."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyg_moleblend
from pyg_moleblend.metrics.results import plain
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.splits import Split

PACKAGES = ("torch", "torch-geometric", "rdkit", "ogb", "scikit-learn", "numpy")


def versions() -> dict[str, str | None]:
    r"""Versions of what a number may depend on; ``None`` for what is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version(), "pyg_moleblend": pyg_moleblend.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


class Results:
    r"""The results of one model on one dataset, in a JSON file.

    Args:
        path: The file; what it holds already is kept.
        table: Name of the table.
        dataset: Name of the dataset.
        metric: What is measured, and its unit if there is one.
        model: What the numbers depend on besides data, split and seed, as JSON.

    Raises:
        ValueError: If the file is damaged, or of something else.
    """

    def __init__(self, path: Path, table: str, dataset: str, metric: str, model: dict[str, Any]) -> None:
        self.path = path
        head = {"table": table, "set": dataset, "metric": metric, "model": model, "versions": versions()}
        head = json.loads(json.dumps(plain(head)))  # as it comes back from the file
        self.content: dict[str, Any] = {**head, "data": None, "cells": []}
        if not path.exists():
            return
        try:
            self.content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}; delete it") from error
        for key, value in head.items():
            if self.content.get(key) != value:
                raise ValueError(
                    f"{path} has {key} {self.content.get(key)}, this run {value}; "
                    "give another --out or --name, or delete the file"
                )

    def has(self, split: str, seed: int) -> bool:
        r"""Whether the run of a seed on a kind of split is there."""
        return any(run["seed"] == seed for run in self._runs(split))

    def set_data(self, rows: int, molecules: int, failures: Sequence[Any]) -> None:
        r"""Says how many rows the source has, and which of them are no molecule.

        Raises:
            ValueError: If earlier runs were made with other data.
        """
        lost = [{"row": failure.row, "input": failure.input, "reason": failure.reason} for failure in failures]
        data = {"rows": rows, "molecules": molecules, "rows_lost": rows - molecules, "lost": lost}
        if self.content["data"] not in (None, data):
            raise ValueError(f"{self.path} is of other data, {self.content['data']}; now they are {data}")
        self.content["data"] = data

    def add(self, kind: str, split: Split, seed: int, values: dict[str, Any]) -> None:
        r"""Adds a run and writes the file.

        Args:
            kind: Kind of split, a column of the table.
            split: The split itself.
            seed: The run's seed.
            values: What was measured: ``value`` on the test molecules, ``tasks``, ``n_tasks_scored``, and more.
        """
        cells = {cell["split"]: cell for cell in self.content["cells"]}
        sizes = {part: len(positions) for part, positions in split.as_dict().items()}
        run = {"seed": seed, "split": split.name, "split_hash": split.hash, **sizes, **values}
        runs = [*self._runs(kind), plain(run)]
        cells[kind] = {"split": kind, **_summary([run["value"] for run in runs]), "runs": runs}
        self.content["cells"] = list(cells.values())
        with atomic_write(self.path, "w") as file:
            file.write(json.dumps(self.content, indent=1, allow_nan=False) + "\n")

    def _runs(self, kind: str) -> list[dict[str, Any]]:
        return [run for cell in self.content["cells"] if cell["split"] == kind for run in cell["runs"]]


def markdown(contents: Sequence[dict[str, Any]], splits: Sequence[str] | None = None) -> str:
    r"""Results as a Markdown table: a row a dataset, a column a kind of split, mean ± standard deviation (runs).

    Args:
        contents: What the files hold.
        splits: The columns; all that there are by default.
    """
    found = dict.fromkeys(cell["split"] for content in contents for cell in content["cells"])
    columns = list(found if splits is None else splits)
    lines = [
        "| " + " | ".join(["set", "metric", "molecules", "rows lost", *columns]) + " |",
        "|---|---|--:|--:|" + "---|" * len(columns),
    ]
    for content in contents:
        cells = {cell["split"]: _cell(cell) for cell in content["cells"]}
        data = content["data"] or {"molecules": "", "rows_lost": ""}
        row = [content["set"], content["metric"], data["molecules"], data["rows_lost"]]
        lines.append("| " + " | ".join(map(str, [*row, *(cells.get(column, "") for column in columns)])) + " |")
    return "\n".join(lines)


def splits_of(contents: Sequence[dict[str, Any]], splits: Sequence[str] | None = None) -> str:
    r"""Name, sizes and hash of every split, a line a cell of the table, as a Markdown list."""
    lines = []
    for content in contents:
        for cell in content["cells"]:
            if splits is None or cell["split"] in splits:
                found = dict.fromkeys(
                    f"{run['split']} ({run['train']}/{run['valid']}/{run['test']}; {run['split_hash']})"
                    for run in cell["runs"]
                )
                lines.append(f"* {content['set']}, {cell['split']}: {', '.join(found)}")
    return "\n".join(lines)


def _cell(cell: dict[str, Any]) -> str:
    mean, sd, runs = cell["mean"], cell["sd"], cell["runs"]
    text = "not defined" if mean is None else f"{mean:.4g}" if sd is None else f"{mean:.4g} ± {sd:.2g}"
    scored = sorted({run["n_tasks_scored"] for run in runs})
    tasks = runs[0]["tasks"]
    return f"{text} ({len(runs)})" + (f", {scored[0]} of {tasks} tasks" if scored[0] < tasks else "")


def _summary(values: Sequence[float | None]) -> dict[str, float | None]:
    r"""Mean and sample standard deviation; the latter needs two runs, both need every run to have a value."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {"mean": None, "sd": None}
    return {"mean": statistics.fmean(known), "sd": statistics.stdev(known) if len(known) > 1 else None}
