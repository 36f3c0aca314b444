from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyg_moleblend.metrics.evaluator import Score
from pyg_moleblend.runtime.files import atomic_write

METRICS_FILE = "metrics.json"


def write_metrics(folder: Path, metrics: Mapping[str, Any], name: str = METRICS_FILE) -> Path:
    r"""Writes ``metrics.json``, or a file of another name; NaN becomes null, which JSON can say."""
    path = folder / name
    with atomic_write(path, "w") as file:
        file.write(json.dumps(plain(metrics), indent=2, allow_nan=False) + "\n")
    return path


def describe_scores(scores: Mapping[str, Score], names: tuple[str, ...]) -> dict[str, Any]:
    r"""Scores as plain values: each metric, how many tasks it could score, and each task where there are several.

    Args:
        scores: Scores by metric.
        names: Names of the tasks.
    """
    described: dict[str, Any] = {}
    for name, score in scores.items():
        described[name] = score.value
        if len(names) > 1:
            described[f"{name}_tasks_scored"] = score.num_tasks_scored
            described[f"{name}_per_task"] = dict(zip(names, score.per_task, strict=True))
    return described


def plain(value: Any) -> Any:
    r"""Values as JSON can hold them: tuples as lists, and null for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
