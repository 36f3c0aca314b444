r"""One training several times, with different seeds, and the mean of what came out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.utilities import rank_zero_only

from pyg_moleblend.checkpoints.pretrained import SUMMARY_FILE
from pyg_moleblend.metrics.results import METRICS_FILE, write_metrics
from pyg_moleblend.runtime.open_file import read_json
from pyg_moleblend.training.folder import check_folder, has_checkpoint


def repeat(
    train: Callable[[int, Path, bool], Mapping[str, Any]], seeds: Sequence[int], out: Path, resume: bool = False
) -> dict[str, Any]:
    r"""Trains once a seed, into ``out/seed-<seed>``, and writes ``out/summary.json``.

    Args:
        train: Trains with a seed into a folder, from the folder's last checkpoint if that is said, and gives the
            run's metrics, among them those of the parts ``"valid"`` and ``"test"``.
        seeds: The seeds, at least one.
        out: Folder of all runs.
        resume: Whether to go on: runs that are complete are not repeated, one that was interrupted goes on.

    Returns:
        The summary: the seeds, and of each part :func:`summarise`.

    Raises:
        ValueError: If there is no seed, a run that is not to be resumed is in a folder, or runs differ in
            their split, metric or modality.
    """
    if not seeds:
        raise ValueError("`seeds` must hold at least one seed, got none")
    folders = [run_folder(out, seed) for seed in seeds]
    # Looked at before the first run, so that nothing is found out after hours, and by all processes alike.
    complete = [resume and (folder / METRICS_FILE).is_file() for folder in folders]
    begun = check_folders(out, seeds, resume)
    metrics = [
        read_json(folder / METRICS_FILE) if done else train(seed, folder, again)
        for seed, folder, done, again in zip(seeds, folders, complete, begun, strict=True)
    ]
    for name in ("split", "metric", "modality"):
        if len(found := {str(run.get(name)) for run in metrics}) > 1:
            raise ValueError(f"the runs in {out} cannot be compared, they differ in {name}: {sorted(found)}")
    summary: dict[str, Any] = {"seeds": list(seeds), "split": metrics[0].get("split")}
    for part in ("valid", "test"):
        if all(part in run for run in metrics):
            summary[part] = summarise([run[part] for run in metrics])
    rank_zero_only(write_metrics)(out, summary, SUMMARY_FILE)
    return summary


def check_folders(out: Path, seeds: Sequence[int], resume: bool) -> list[bool]:
    r"""Whether the run of each seed goes on from a checkpoint.

    Raises:
        ValueError: If a run that is not to be resumed is in its folder, or one of its own, of no seed, is in ``out``.
    """
    check_folder(out, resume=False)
    folders = [run_folder(out, seed) for seed in seeds]
    return [check_folder(folder, resume and has_checkpoint(folder)) for folder in folders]


def run_folder(out: Path, seed: int) -> Path:
    r"""Folder of one of several runs."""
    return out / f"seed-{seed}"


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
