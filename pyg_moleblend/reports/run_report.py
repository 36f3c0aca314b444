from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

import pyg_moleblend
from pyg_moleblend.checkpoints import read_metadata
from pyg_moleblend.metrics.predictions import FOLDS, PREDICTIONS_FILE
from pyg_moleblend.metrics.results import METRICS_FILE
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.reports.figures import learning_curves, target_figures
from pyg_moleblend.reports.worst import WorstMolecule, worst_molecules
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.open_file import content_named, read_json

PAGE_FILE = "report.html"
PARTS = {FOLDS: "training, over folds", "valid": "validation", "test": "test"}
TARGETS = 12
r"""Targets that have figures: more make a page that nobody reads."""

_CARDS = 4
_PACKAGES = ("torch", "torch-geometric", "rdkit", "lightning", "scikit-learn", "numpy")
_CONFIG_FILE, _REPORT_FILE = "config.yaml", "report.json"


class TargetReport(NamedTuple):
    r"""What the page says of one target.

    Attributes:
        name: The target.
        unit: Its unit.
        figures: SVG by title.
        worst: Molecules with the largest errors.
        intervals: By part of the split, how many labels intervals of a level hold, and how wide they are.
        parts: By part of the model (a kernel of a quick model), the error over the folds without it.
    """

    name: str
    unit: str
    figures: dict[str, str]
    worst: list[WorstMolecule]
    intervals: dict[str, dict[str, float]]
    parts: dict[str, float]


def write_report(run: str | Path, out: str | Path | None = None) -> Path:
    r"""Writes the report of a run of :func:`~pyg_moleblend.training.fit` or :func:`~pyg_moleblend.training.finetune`.

    Args:
        run: Folder of the run.
        out: The file; ``report.html`` in the folder by default.

    Returns:
        The file.

    Raises:
        FileNotFoundError: If there is no run that has ended in the folder.
        ValueError: If one of its files is damaged.
    """
    run = Path(run)
    for name in (METRICS_FILE, PREDICTIONS_FILE):
        if not (run / name).is_file():
            raise FileNotFoundError(
                f"there is no {run / name}: a report is of a run of fit or finetune that has ended (of several seeds, "
                "of one of them)"
            )
    metrics, metadata = read_json(run / METRICS_FILE), read_metadata(run)
    if not isinstance(metrics, dict):
        raise ValueError(f"{run / METRICS_FILE} is damaged: it holds no metrics")
    told = _read_predictions(run / PREDICTIONS_FILE, metrics)
    with content_named(run):
        task = Task.from_dict(metadata["task"])
        quick = read_json(run / _REPORT_FILE) if (run / _REPORT_FILE).is_file() else {}
        targets = [_target(task, place, told, metrics, quick) for place in range(min(task.num_targets, TARGETS))]
        content = {
            "name": run.resolve().name,
            "kind": "quick model" if quick else "fine-tuned network",
            "task": task,
            "metrics": metrics,
            "cards": _cards(metrics, quick),
            "scores": _scores(metrics),
            "score_names": [name for name in task.metrics if any(name in of for of in _scores(metrics).values())],
            "targets": targets,
            "left_out": task.num_targets - len(targets),
            "curves": learning_curves(run),
            "quick": quick,
            "config": (run / _CONFIG_FILE).read_text() if (run / _CONFIG_FILE).is_file() else "",
            "versions": _versions(),
        }
    loader = PackageLoader("pyg_moleblend", "reports")
    page = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    page.filters["number"] = _number
    path = run / PAGE_FILE if out is None else Path(out)
    with atomic_write(path, "w") as file:
        file.write(page.get_template("page.html").render(content))
    return path


def _read_predictions(path: Path, metrics: Any) -> pd.DataFrame:
    with content_named(path.with_name(METRICS_FILE)):
        counts = {part: metrics[part]["molecules"] for part in ("valid", "test") if part in metrics}
    try:
        told = pd.read_csv(path)
        found = told["part"].value_counts().to_dict()
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if different := {part: count for part, count in counts.items() if found.get(part, 0) != count}:
        raise ValueError(f"{path} is not whole: it is to have {different} molecules, and has {found}")
    return told


def _target(
    task: Task, place: int, told: pd.DataFrame, metrics: Mapping[str, Any], quick: Mapping[str, Any]
) -> TargetReport:
    name, unit = task.names[place], task.units[place]
    own = told[told[f"label:{name}"].notna() & told[f"prediction:{name}"].notna()]
    columns = {"label": own[f"label:{name}"], "prediction": own[f"prediction:{name}"]}
    columns |= {end: own[f"{end}:{name}"] for end in ("lower", "upper") if f"{end}:{name}" in own}
    known = pd.DataFrame({"part": own["part"], "smiles": own["smiles"], **columns})
    if "similarity" in own:
        known["similarity"] = own["similarity"]
    parts = quick["targets"][name]["without"] if quick else {}
    held = {part: metrics.get(part, {}).get("intervals") for part in ("valid", "test")}
    intervals = {
        PARTS[part]: {**of["targets"][name], "level": of["level"]}
        for part, of in held.items()
        if of and name in of["targets"]
    }
    figures, worst = target_figures(known, task.kind, unit), worst_molecules(known, task.kind)
    return TargetReport(name, unit, figures, worst, intervals, parts)


def _cards(metrics: Mapping[str, Any], quick: Mapping[str, Any]) -> list[tuple[str, Any]]:
    r"""The numbers at the top: what they are, and they."""
    metric = metrics["metric"]
    cards = [("training molecules", metrics["train_molecules"])]
    cards += [(f"{metric}, {part}", values[metric]) for part, values in _scores(metrics).items() if metric in values]
    over_folds = list(quick["targets"].items())[:_CARDS] if quick else []
    for name, found in over_folds:
        label = f"{found['metric']}, over folds"
        cards.append((label if len(quick["targets"]) == 1 else f"{label}, {name}", found["score"]))
    return cards


def _scores(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    r"""Molecules, and metrics over all targets, by part."""
    return {
        PARTS[part]: {name: value for name, value in metrics[part].items() if isinstance(value, int | float)}
        for part in ("valid", "test")
        if part in metrics
    }


def _versions() -> dict[str, str]:
    found = {"pyg_moleblend": pyg_moleblend.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _number(value: Any) -> str:
    if not isinstance(value, float | int) or isinstance(value, bool):
        return "–" if value is None else str(value)
    return "–" if math.isnan(value) else f"{value:.4g}"
