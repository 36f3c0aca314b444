r"""The folder of a model: where it is, what lies in it, and what its ``config.json`` says; no weights are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyg_moleblend.checkpoints.old_format import is_old, updated
from pyg_moleblend.checkpoints.packaged import WEIGHTS_FILE, packaged_folder, packaged_models
from pyg_moleblend.runtime.files import atomic_write, digest_of
from pyg_moleblend.runtime.open_file import content_named, read_json

CONFIG_FILE = "config.json"
SUMMARY_FILE = "summary.json"
MEMBERS = "members"
r"""Of a training with several seeds; it is there when all have ended."""
EMBEDDER = "embedder"
r"""Where a quick model keeps the encoder that it looks at."""
QUICK = "QuickModel"
r"""What the configuration calls a model of :mod:`pyg_moleblend.quick`, whose other files are not ours."""
SHA256 = "sha256"
r"""What the configuration calls the checksum of the file of weights; folders of earlier versions do not have it."""
FORMAT = 2
r"""Of ``config.json``: a tree of components. Folders of format 1, which has no number, load too."""

QUICK_FILES = ("quick.json", "quick.safetensors")
r"""What :mod:`pyg_moleblend.quick` writes beside it."""
MODEL_FILES = (CONFIG_FILE, WEIGHTS_FILE, *QUICK_FILES, f"{EMBEDDER}/*")
r"""Of a model's folder, as patterns."""


def locate(source: str | Path) -> Path:
    r"""The folder of a model: the one that is named, or the ``model`` of a run's folder; the packaged encoder's, or the
    copy of a hub repository.

    Raises:
        FileNotFoundError: If there is none of them.
    """
    if Path(source).is_dir():
        inner = Path(source) / "model"  # where a run keeps it
        of_run = (inner / CONFIG_FILE).is_file() and not (Path(source) / CONFIG_FILE).is_file()
        return inner if of_run else Path(source)
    if (folder := packaged_folder(str(source))) is not None:
        return folder
    if not isinstance(source, str) or source.count("/") != 1 or source.startswith((".", "/")):
        names = ", ".join(packaged_models()) or "none"
        raise FileNotFoundError(f"there is no folder {source}, and no packaged encoder of that name ({names})")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source, allow_patterns=list(MODEL_FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise FileNotFoundError(f"there is neither a folder nor a hub repository {source}: {error}") from error


def members_of(source: str | Path) -> list[Path]:
    r"""The folders of the models that predict together: those of a run with several seeds or folds, or one."""
    folder = Path(source)
    if folder.is_dir() and not any((place / CONFIG_FILE).is_file() for place in (folder, folder / "model")):
        if (folder / SUMMARY_FILE).is_file():
            with content_named(folder / SUMMARY_FILE):
                return [locate(folder / name) for name in read_json(folder / SUMMARY_FILE)[MEMBERS]]
        if begun := sorted([*folder.glob("seed-*"), *folder.glob("fold-*")]):
            raise FileNotFoundError(
                f"the runs in {folder} have not all ended (there is no {SUMMARY_FILE}): resume them, or name one of "
                f"them ({begun[0]})"
            )
    return [locate(source)]


def read_metadata(source: str | Path) -> dict[str, Any]:
    r"""The metadata that :func:`save_pretrained` kept beside a model, of several the first's."""
    return read_description(members_of(source)[0])["metadata"]


def component_name(source: str | Path) -> str:
    r"""The name of the component that a model is, of several the first."""
    return str(read_description(members_of(source)[0])["model"].get("component"))


def model_digests(source: str | Path) -> dict[str, str]:
    r"""What tells a model, or several, from others: the checksums of the files, by their names."""
    members = members_of(source)
    digests: dict[str, str] = {}
    for number, folder in enumerate(members):
        files = [path for name in MODEL_FILES for path in sorted(folder.glob(name))]
        prefix = f"{number}/" if len(members) > 1 else ""
        digests |= {prefix + str(path.relative_to(folder)): digest_of(path) for path in files}
    return digests


def save_metadata(folder: Path, component: str, metadata: Mapping[str, Any]) -> None:
    r"""Writes the ``config.json`` of a model whose other files are none of ours.

    Args:
        folder: Where to.
        component: What the model is.
        metadata: JSON values, for :func:`read_metadata`.
    """
    write_description(
        folder, {"format": FORMAT, "model": {"component": component, "arguments": {}}, "metadata": metadata}
    )


def write_description(folder: Path, content: Mapping[str, Any]) -> None:
    r"""Writes ``config.json``.

    Raises:
        ValueError: If the content is not of JSON values.
    """
    try:
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ValueError(f"`metadata` must be JSON values: {error}") from error
    with atomic_write(folder / CONFIG_FILE, "w") as file:
        file.write(text)


def read_description(folder: Path) -> dict[str, Any]:
    r"""What ``config.json`` says, checked but for the model itself; of an older format as the present one says it.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, or of a later format.
    """
    path = folder / CONFIG_FILE
    if not path.is_file():
        # Where a run keeps its model, and the first of several runs.
        places = [folder / "model", *sorted(folder.glob("seed-*/model")), *sorted(folder.glob("fold-*/model"))]
        inner = next((place for place in places if (place / CONFIG_FILE).is_file()), None)
        hint = f"; did you mean {inner}?" if inner else ""
        raise FileNotFoundError(f"there is no {path}: not a folder that save_pretrained wrote{hint}")
    description = read_json(path)
    if not isinstance(description, dict) or not isinstance(description.get("metadata", {}), dict):
        raise ValueError(f"{path} is damaged: it and its metadata must be JSON objects")
    if is_old(description):
        description = updated(description, path)
    if "format" not in description:
        raise ValueError(f"{path} is damaged: it does not say its format")
    if description["format"] != FORMAT:
        raise ValueError(
            f"{path} is of format {description['format']!r}, this version reads {FORMAT}; install a newer pyg_moleblend"
        )
    description.setdefault("tied", [])
    if missing := sorted({"model", "metadata"} - set(description)):
        raise ValueError(f"{path} lacks the keys {missing}")
    if not isinstance(description["model"], dict):
        raise ValueError(f"{path} is damaged: its model must be a component, got {str(description['model'])[:80]}")
    return description
