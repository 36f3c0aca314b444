from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendConfig,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
)
from pyg_moleblend.runtime.files import atomic_write

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"

Model = MoleBlend | MoleBlendForPretraining | MoleBlendForPropertyPrediction
M = TypeVar("M", bound=nn.Module)
_MODELS = (MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction)
_CLASSES: dict[str, Callable[..., Model]] = {cls.__name__: cls for cls in _MODELS}


def save_pretrained(model: Model, folder: str | Path, metadata: dict[str, Any] | None = None) -> Path:
    r"""Writes a model as ``config.json`` and ``model.safetensors``.

    Args:
        model: The model.
        folder: Where to; made when it does not exist.
        metadata: Further JSON values to keep beside the configuration, the targets' names say.

    Returns:
        The folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    description: dict[str, Any] = {"class": type(model).__name__, "config": model.config.to_dict()}
    if isinstance(model, MoleBlendForPropertyPrediction):
        description["num_tasks"] = model.num_tasks
    description["metadata"] = metadata or {}
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_write(folder / WEIGHTS_FILE, "wb") as file:
        file.write(save(weights))
    with atomic_write(folder / CONFIG_FILE, "w") as file:
        file.write(json.dumps(description, indent=2) + "\n")
    return folder


def from_pretrained(source: str | Path) -> Model:
    r"""Loads a model that :func:`save_pretrained` wrote, in evaluation mode.

    Models with relations or objectives of one's own are built by their maker and filled by :func:`load_weights`.

    Args:
        source: A folder, or the name of a repository on the Hugging Face hub.

    Raises:
        FileNotFoundError: If the folder lacks a file, or there is neither folder nor repository.
        ValueError: If a file is damaged, or its weights do not fit its configuration.
    """
    folder = _locate(source)
    description = _describe(folder)
    if str(description["class"]) not in _CLASSES:
        raise ValueError(f"{folder / CONFIG_FILE} is of class {description['class']!r}; known are {list(_CLASSES)}")
    sizes = {"num_tasks": description["num_tasks"]} if "num_tasks" in description else {}
    try:
        model = _CLASSES[description["class"]](MoleBlendConfig.from_dict(description["config"]), **sizes)
    except (ValueError, TypeError, AttributeError) as error:  # values of other types than a configuration's
        raise ValueError(f"{folder / CONFIG_FILE} describes no model: {error}") from error
    return load_weights(model, folder).eval()


def read_metadata(source: str | Path) -> dict[str, Any]:
    r"""The metadata that :func:`save_pretrained` kept beside a model."""
    return _describe(_locate(source))["metadata"]


def load_weights(model: M, source: str | Path) -> M:
    r"""Fills a model with the weights of a folder or hub repository, and returns it.

    Raises:
        ValueError: If weights are missing, unexpected or misshapen; they are named.
    """
    path = _locate(source) / WEIGHTS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights {path}")
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}); copy or train it anew") from error
    expected = model.state_dict()
    faults = [f"missing {name}" for name in expected if name not in weights]
    faults += [f"unexpected {name}" for name in weights if name not in expected]
    faults += [
        f"misshapen {name}: {list(weights[name].shape)} where {list(value.shape)} was expected"
        for name, value in expected.items()
        if name in weights and weights[name].shape != value.shape
    ]
    if faults:
        shown = "; ".join(faults[:8]) + (f"; and {len(faults) - 8} more" if len(faults) > 8 else "")
        raise ValueError(f"the weights {path} do not fit the model: {shown}")
    model.load_state_dict(weights)
    return model


def _describe(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    if not path.is_file():
        # Where a run keeps its model, and the first run of several seeds.
        places = [folder / "model", *sorted(folder.glob("seed-*/model"))]
        inner = next((place for place in places if (place / CONFIG_FILE).is_file()), None)
        hint = f"; did you mean {inner}?" if inner else ""
        raise FileNotFoundError(f"there is no {path}: not a folder that save_pretrained wrote{hint}")
    try:
        description = json.loads(path.read_text())
    except ValueError as error:  # no JSON, or no text at all
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(description, dict) or not isinstance(description.get("metadata", {}), dict):
        raise ValueError(f"{path} is damaged: it and its metadata must be JSON objects")
    wanted = {"class", "config", "metadata"}
    if description.get("class") == MoleBlendForPropertyPrediction.__name__:
        wanted.add("num_tasks")
    if missing := wanted - set(description):
        raise ValueError(f"{path} lacks the keys {sorted(missing)}")
    return description


def _locate(source: str | Path) -> Path:
    if Path(source).is_dir():
        return Path(source)
    if not isinstance(source, str) or source.count("/") != 1 or source.startswith((".", "/")):
        raise FileNotFoundError(f"there is no folder {source}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source, allow_patterns=[CONFIG_FILE, WEIGHTS_FILE]))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise FileNotFoundError(f"there is neither a folder nor a hub repository {source}: {error}") from error
