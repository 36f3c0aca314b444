r"""The card of a model that others are to load: what its folder and its run have recorded, and nothing else."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any

from safetensors import safe_open

from pyg_moleblend.checkpoints.model_folder import (
    CONFIG_FILE,
    QUICK,
    SHA256,
    SUMMARY_FILE,
    component_name,
    locate,
    read_metadata,
)
from pyg_moleblend.checkpoints.packaged import WEIGHTS_FILE
from pyg_moleblend.runtime.open_file import content_named, read_json, read_yaml

_METRICS_FILE, _OPTIONS_FILE, _RUN_FILE = "metrics.json", "config.yaml", "run.json"
_PARTS = {"train": "training", "valid": "validation", "test": "test"}
_PACKAGES = ("pyg-moleblend", "torch", "torch-geometric", "rdkit", "numpy")
_FRONT = """---
library_name: pyg-moleblend
pipeline_tag: graph-ml
tags:
- chemistry
- molecules
- pytorch-geometric
- moleblend
---"""


def model_card(source: str | Path, repo: str) -> str:
    r"""The card of a saved model, as Markdown with the hub's front matter.

    Args:
        source: Folder of a run, whose scores and data are then told, or of a model.
        repo: What it will be called, ``"user/repo"``.

    Raises:
        ValueError: If a file of the run is damaged.
    """
    run, folder, metadata = Path(source), locate(source), read_metadata(source)
    recorded = run if folder != run else run.parent if run.name == "model" else run
    with content_named(recorded):
        metrics = _json(recorded / _METRICS_FILE)
        lines = [
            *(_FRONT, f"# {repo.partition('/')[2]}", *_what(folder, metadata)),
            *("## How to load it", *_how(folder, metadata, repo)),
            *_targets(metadata, metrics),
            *_data(recorded, metadata, metrics),
            *_scores(metrics),
            *("## Made with", _versions()),
            *("## What is not known", _unknown(metadata, metrics)),
        ]
    return "\n\n".join(lines) + "\n"


def _what(folder: Path, metadata: Mapping[str, Any]) -> list[str]:
    kind = component_name(folder)
    if kind == QUICK:
        name = "A quick model of properties (kernels and forests on fingerprints)"
    else:
        with safe_open(str(folder / WEIGHTS_FILE), "pt") as file:
            weights = sum(prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118 - no mapping
        name = f"A `{kind}` of {weights:,} weights"
    task = metadata.get("task")
    count = len(task["names"]) if task else 0
    does = f" that predicts {count} target{'s' * (count > 1)} ({task['kind']})" if task else ""
    method = (
        "It is of MoleBLEND's networks, blend-then-predict on 2D and 3D molecules "
        "([arXiv 2307.06235](https://arxiv.org/abs/2307.06235)), as pyg_moleblend implements them."
    )
    return [f"{name}{does}. {'Made by pyg_moleblend.' if kind == QUICK else method}"]


def _how(folder: Path, metadata: Mapping[str, Any], repo: str) -> list[str]:
    lines = []
    if "task" in metadata:
        lines += ["from pyg_moleblend.inference import predict", "", f'predict("{repo}", ["CCO", "c1ccccc1O"])']
    if component_name(folder) != QUICK:
        known = SHA256 in read_json(folder / CONFIG_FILE)
        checked = "  # its weights are compared with the checksum in config.json" if known else ""
        lines += [""] * bool(lines) + ["from pyg_moleblend.checkpoints import from_pretrained", ""]
        lines += [f'model = from_pretrained("{repo}"){checked}']
    return ["\n".join(["```python", *lines, "```"])]


def _targets(metadata: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    if "task" not in metadata:
        return []
    task = metadata["task"]
    rows = zip(task["names"], task["units"], task["mean"], task["std"], strict=True)
    if task["kind"] == "classification":
        return ["## Targets", _table(["target"], [[name] for name in task["names"]]), "Values are probabilities."]
    head = ["target", "unit", "mean of the training labels", "standard deviation"]
    return ["## Targets", _table(head, [[name, unit or "not recorded", mean, std] for name, unit, mean, std in rows])]


def _data(recorded: Path, metadata: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    # Of several seeds or folds the configuration is theirs together.
    places = [recorded, *([recorded.parent] if (recorded.parent / SUMMARY_FILE).is_file() else [])]
    found = next((place / _OPTIONS_FILE for place in places if (place / _OPTIONS_FILE).is_file()), None)
    config = {} if found is None else read_yaml(found)
    facts = _json(recorded / _RUN_FILE)
    recipe = metadata.get("recipe") or {}
    rows: list[list[Any]] = []
    if data := config.get("data"):
        rows.append(["data", Path(data).name])
    if split := metrics.get("split", metadata.get("split")):
        rows.append(["split, and the hash of its parts", split])
    for part, said in (facts.get("molecules") or {}).items():
        rows.append([f"{_PARTS.get(part, part)} molecules, and their hash", said])
    if not facts.get("molecules") and "train_molecules" in metrics:
        rows.append(["training molecules", metrics["train_molecules"]])
    if modality := metadata.get("modality"):
        rows.append(["inputs", modality])
    if hydrogens := recipe.get("hydrogens"):
        rows.append(["hydrogens", hydrogens])
    if conformers := recipe.get("conformers"):
        rows.append(["conformers", ", ".join(f"{name} {value}" for name, value in conformers.items())])
    if (seed := metadata.get("seed")) is not None:
        rows.append(["seed", seed])
    return ["## Data and inputs", _table(["", ""], rows)] if rows else []


def _scores(metrics: Mapping[str, Any]) -> list[str]:
    parts = {part: metrics[part] for part in ("valid", "test") if isinstance(metrics.get(part), Mapping)}
    if not parts:
        return []
    scored = (name for of in parts.values() for name, value in of.items() if isinstance(value, int | float))
    names = [name for name in dict.fromkeys(scored) if not name.endswith("_tasks_scored")]
    rows = [[name, *(of.get(name) for of in parts.values())] for name in names]
    lines = ["## Scores", _table(["", *(_PARTS[part] for part in parts)], rows)]
    if metric := metrics.get("metric"):
        lines.append(f"What chose the model on the validation part is `{metric}`; that part's scores flatter it.")
    held = [
        [target, _PARTS[part], of["intervals"]["level"], found["coverage"], found["width"]]
        for part, of in parts.items()
        for target, found in (of.get("intervals") or {}).get("targets", {}).items()
    ]
    if held:
        lines.append(_table(["target", "part", "intervals of the level", "coverage", "mean width"], held))
    return lines


def _versions() -> str:
    found = {name: version(name) for name in _PACKAGES}
    told = ", ".join(f"{name} {number}" for name, number in found.items())
    return f"Uploaded with {told}, Python {platform.python_version()}."


def _unknown(metadata: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    lacking = ["the licence of the weights and of the data", *["how the labels were measured"] * ("task" in metadata)]
    if "test" not in metrics:
        lacking.append("any score on test molecules")
    if "task" in metadata and "split" not in metadata and "split" not in metrics:
        lacking.append("the molecules it was trained on")
    scored = "valid" in metrics or "test" in metrics
    remark = " Scores are of molecules like those of the split's parts, and say nothing of others." if scored else ""
    return f"Not recorded, and so not said here: {', '.join(lacking)}.{remark}"


def _json(path: Path) -> dict[str, Any]:
    found = read_json(path) if path.is_file() else {}
    if not isinstance(found, dict):
        raise ValueError(f"{path} is damaged: it must hold a JSON object")
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else " ".join(str(value).split()).replace("|", r"\|")
