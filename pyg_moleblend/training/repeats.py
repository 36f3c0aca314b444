r"""One training several times, with different seeds or on different folds, and the mean of what came out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.utilities import rank_zero_only

from pyg_moleblend.checkpoints.model_folder import MEMBERS, SUMMARY_FILE
from pyg_moleblend.metrics.results import METRICS_FILE, write_metrics
from pyg_moleblend.runtime.open_file import read_json
from pyg_moleblend.training.folder import check_folder, has_checkpoint


def repeat(
    train: Callable[[str, Path, bool], Mapping[str, Any]],
    names: Sequence[str],
    out: Path,
    resume: bool = False,
    alike: Sequence[str] = ("split", "metric", "modality"),
) -> dict[str, Any]:
    r"""Trains once a name, into ``out/<name>``, and writes ``out/summary.json``.

    Args:
        train: Trains the run of a name into a folder, from the folder's last checkpoint if that is said, and gives the
            run's metrics, among them those of the parts ``"valid"`` and ``"test"``.
        names: The runs, at least one: :func:`seed_names`, or :func:`fold_names`.
        out: Folder of all runs.
        resume: Whether to go on: runs that are complete are not repeated, one that was interrupted goes on.
        alike: What all runs have in common, by names in their metrics.

    Returns:
        The summary: the names, what is alike, and of each part :func:`summarise`.

    Raises:
        ValueError: If there is no name, a run that is not to be resumed is in a folder, or runs differ in what shall be
            alike.
    """
    if not names:
        raise ValueError("there must be at least one run, got none")
    # Looked at before the first run, so that nothing is found out after hours, and by all processes alike.
    complete = [resume and (out / name / METRICS_FILE).is_file() for name in names]
    begun = check_folders(out, names, resume)
    metrics = [
        read_json(out / name / METRICS_FILE) if done else train(name, out / name, again)
        for name, done, again in zip(names, complete, begun, strict=True)
    ]
    for key in alike:
        if len(found := {str(run.get(key)) for run in metrics}) > 1:
            raise ValueError(f"the runs in {out} cannot be compared, they differ in {key}: {sorted(found)}")
    summary: dict[str, Any] = {MEMBERS: list(names), **{key: metrics[0].get(key) for key in alike}}
    for part in ("valid", "test"):
        if all(part in run for run in metrics):
            summary[part] = summarise([run[part] for run in metrics])
    rank_zero_only(write_metrics)(out, summary, SUMMARY_FILE)
    return summary


def check_folders(out: Path, names: Sequence[str], resume: bool) -> list[bool]:
    r"""Whether each run goes on from a checkpoint.

    Raises:
        ValueError: If a run that is not to be resumed is in its folder, or one of its own is in ``out``.
    """
    check_folder(out, resume=False)
    return [check_folder(out / name, resume and has_checkpoint(out / name)) for name in names]


def seed_names(first: int, count: int) -> list[str]:
    r"""Names of runs with one seed after the other."""
    return [f"seed-{seed}" for seed in range(first, first + count)]


def fold_names(count: int) -> list[str]:
    r"""Names of the runs of a cross-validation, counted from 1 as the folds are."""
    return [f"fold-{number}" for number in range(1, count + 1)]


def summarise(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    r"""Mean, sample standard deviation (NaN for one run) and values of everything measured in all of several runs.

    Args:
        runs: Metrics of each run: what is a float, or null for NaN, is measured; mappings are gone into, and other
            values, such as counts, left out.
    """
    summary: dict[str, Any] = {}
    for name in runs[0]:
        values = [run.get(name) for run in runs]
        if all(isinstance(value, Mapping) for value in values):
            summary[name] = summarise([value for value in values if isinstance(value, Mapping)])
        elif all(value is None or isinstance(value, float) for value in values):
            numbers = [math.nan if value is None else float(value) for value in values]
            std = float(np.std(numbers, ddof=1)) if len(numbers) > 1 else math.nan
            summary[name] = {"mean": float(np.mean(numbers)), "std": std, "values": numbers}
    return summary


def describe_summary(summary: Mapping[str, Any]) -> str:
    r"""One line: ``rmse 1.2345 ± 0.0123, mae ...``, of what is not given task by task."""
    return ", ".join(
        f"{name} {entry['mean']:.4f} ± {entry['std']:.4f}" for name, entry in summary.items() if "mean" in entry
    )
