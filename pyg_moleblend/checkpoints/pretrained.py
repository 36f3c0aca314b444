r"""Models as folders: a tree of components and their weights, written whole and read without running anything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.nn.parameter import UninitializedParameter

from pyg_moleblend.checkpoints.model_folder import (
    CONFIG_FILE,
    EMBEDDER,
    FORMAT,
    QUICK,
    QUICK_FILES,
    SHA256,
    locate,
    read_description,
    write_description,
)
from pyg_moleblend.checkpoints.packaged import WEIGHTS_FILE
from pyg_moleblend.components import (
    REGISTRY,
    Registry,
    UnknownComponentError,
    build,
    describe,
    find,
    with_components,
)
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.runtime.files import atomic_write, digest_of, whole_folder
from pyg_moleblend.runtime.open_file import read_json

_TIMES, _SPARE = 8, 1_000_000  # a part may be built and then replaced by another
_SAVING = "saving"  # tells in both files which saving they are of

Model = MoleBlend | MoleBlendForPretraining | MoleBlendForPropertyPrediction
M = TypeVar("M", bound=nn.Module)


def save_pretrained(model: nn.Module, folder: str | Path, metadata: dict[str, Any] | None = None) -> Path:
    r"""Writes a model as ``config.json``, the tree of its components and their arguments, and ``model.safetensors``.

    Args:
        model: The model, which may hold components of your own; see ``docs/extending.md``.
        folder: Where to; made when it does not exist.
        metadata: Further JSON values to keep beside the configuration, the targets' names say. (default: :obj:`None`)

    Returns:
        The folder.

    Raises:
        ValueError: If a component's arguments cannot be JSON, or are not known.
    """
    folder = Path(folder)
    content: dict[str, Any] = {"format": FORMAT, "model": describe(model), "metadata": metadata or {}}
    if shared := _tied(model):
        content["tied"] = shared
    weights: dict[str, Tensor] = {}
    memory: set[int] = set()
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{name} cannot be saved: weights must be tensors, got {type(value).__name__}")
        value = value.detach().cpu().contiguous()
        weights[name] = value.clone() if value.untyped_storage().data_ptr() in memory else value  # a shared weight
        memory.add(weights[name].untyped_storage().data_ptr())
    content[_SAVING] = hashlib.sha256(save(weights)).hexdigest()[:16]
    written = save(weights, {_SAVING: content[_SAVING]})
    content[SHA256] = hashlib.sha256(written).hexdigest()
    with whole_folder(folder) as place:
        with atomic_write(place / WEIGHTS_FILE, "wb") as file:
            file.write(written)
        write_description(place, content)
    return folder


def from_pretrained(source: str | Path, components: Iterable[type] = ()) -> Any:
    r"""Loads a model that :func:`save_pretrained` wrote, in evaluation mode.

    Args:
        source: A folder, the name of an encoder that comes with the package
            (:func:`~pyg_moleblend.checkpoints.packaged_models`), or of a repository on the Hugging Face hub.
        components: Classes of your own that the model holds and that are not registered. (default: :obj:`()`)

    Raises:
        FileNotFoundError: If the folder lacks a file, or there is neither folder nor repository.
        UnknownComponentError: If the model holds a component that is not known; it says what to do.
        ValueError: If a file is damaged, its weights do not fit its configuration, or one of them is NaN or infinite.
    """
    folder = locate(source)
    content = read_description(folder)
    if content["model"].get("component") == QUICK:
        raise ValueError(f"{folder} holds a quick model, which is no network: predict with it, or QuickModel.load it")
    _check_saving(folder, content)
    weights = _read_weights(folder)
    model = _build(content["model"], folder, weights, with_components(components))
    return _restored(model, weights, folder, content["tied"])


def encoder_from_pretrained(source: str | Path, components: Iterable[type] = ()) -> Any:
    r"""Loads the encoder of a saved model of any kind, in evaluation mode; nothing else of the model need be known.

    Args:
        source: As for :func:`from_pretrained`.
        components: Classes of your own that the encoder holds and that are not registered. (default: :obj:`()`)

    Raises:
        FileNotFoundError: As :func:`from_pretrained`.
        ValueError: Likewise.
    """
    folder, registry = locate(source), with_components(components)
    content = read_description(folder)
    tree = content["model"]
    inner = tree["arguments"].get("encoder") if isinstance(tree.get("arguments"), dict) else None
    if inner is None or _is_encoder(tree, registry):
        model = from_pretrained(folder, components)
        encoder = model if hasattr(model, "encode") else getattr(model, "encoder", None)
        if encoder is None:
            raise ValueError(f"{folder} holds a {type(model).__name__}, which has no encoder")
        return encoder
    _check_saving(folder, content)
    weights = _read_weights(folder)
    encoder = _build(inner, folder, weights, registry)
    prefix = "encoder."
    weights = {name[len(prefix) :]: v for name, v in weights.items() if name.startswith(prefix)}
    tied = [[name[len(prefix) :] for name in names if name.startswith(prefix)] for names in content["tied"]]
    return _restored(encoder, weights, folder, tied)


def check_files(folder: Path) -> None:
    r"""Raises ``ValueError`` or ``FileNotFoundError`` if a model's folder is not whole; nothing is built."""
    content = read_description(folder)
    if content["model"].get("component") == QUICK:
        read_json(folder / QUICK_FILES[0])
        _read_weights(folder, QUICK_FILES[1])
        if (embedder := folder / EMBEDDER).is_dir():
            check_files(embedder)
            if content["metadata"].get(EMBEDDER) not in (None, digest_of(embedder / WEIGHTS_FILE)):
                raise ValueError(f"{embedder / WEIGHTS_FILE} is not that of the model in {folder}: fit it again")
        return
    _check_saving(folder, content)
    _read_weights(folder)


def load_weights(model: M, source: str | Path) -> M:
    r"""Fills a model with the weights of a folder or hub repository, and returns it.

    Raises:
        ValueError: If weights are missing, unexpected or misshapen; they are named.
    """
    folder = locate(source)
    if (folder / CONFIG_FILE).is_file():
        _check_saving(folder, read_description(folder))
    return _fill(model, _read_weights(folder), folder)


def _build(tree: Any, folder: Path, weights: dict[str, Tensor], registry: Registry = REGISTRY) -> Any:
    path = folder / CONFIG_FILE
    try:
        with _no_larger_than(weights):
            model = build(tree, registry, str(path))
    except RecursionError as error:
        raise ValueError(f"{path} is damaged: its model is nested too deep") from error
    if not isinstance(model, nn.Module):
        raise ValueError(f"{path} describes no model: {str(tree)[:80]}")
    return model


@contextmanager
def _no_larger_than(weights: dict[str, Tensor]) -> Iterator[None]:
    r"""Ends the building of a model as soon as it has far more weights than there are to fill it with: a number in a
    configuration may ask for more than the machine has."""
    left = _SPARE + _TIMES * sum(value.numel() for value in weights.values())
    thread = get_ident()

    def count(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal left
        if thread != get_ident() or parameter is None or isinstance(parameter, UninitializedParameter):
            return
        left -= parameter.numel()
        if left < 0:
            raise ValueError(f"it has more weights than {WEIGHTS_FILE}")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _read_weights(folder: Path, name: str = WEIGHTS_FILE) -> dict[str, Tensor]:
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights {path}")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}); copy or train it again") from error


def _check_saving(folder: Path, content: dict[str, Any]) -> None:
    r"""Raises ``ValueError`` if the weights are not those that the configuration was written with, byte for byte."""
    if not (folder / WEIGHTS_FILE).is_file():
        return  # which the reading of the weights says
    try:
        with safe_open(str(folder / WEIGHTS_FILE), "pt") as file:
            found = (file.metadata() or {}).get(_SAVING)
    except SafetensorError:
        return  # likewise
    if None not in (found, content.get(_SAVING)) and found != content[_SAVING]:
        raise ValueError(
            f"{folder / CONFIG_FILE} and {WEIGHTS_FILE} beside it are of two models: a saving into this folder was "
            "interrupted, so save the model again (or run again the command that was to)"
        )
    if SHA256 in content and digest_of(folder / WEIGHTS_FILE) != content[SHA256]:
        raise ValueError(
            f"{folder / WEIGHTS_FILE} is not the file that was saved, its checksum is not the one in {CONFIG_FILE}: "
            "copy, download or train it again"
        )


def _is_encoder(tree: dict[str, Any], registry: Registry) -> bool:
    r"""Whether the class of a tree is known to encode: one that holds an encoder may be an encoder itself."""
    try:
        return hasattr(find(str(tree.get("component")), registry), "encode")
    except UnknownComponentError:
        return False


def _tied(model: nn.Module) -> list[list[str]]:
    r"""Names of each parameter that has several: modules that share it."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return [shared for shared in names.values() if len(shared) > 1]


def _restored(model: M, weights: dict[str, Tensor], folder: Path, tied: list[list[str]]) -> M:
    r"""A freshly built model with its weights, none rounded, and shared as they were when they were saved."""
    for name, value in model.state_dict(keep_vars=True).items():
        if name in weights and value.is_floating_point():
            value.data = value.data.to(torch.promote_types(value.dtype, weights[name].dtype))
    _fill(model, weights, folder)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for names in tied:
        if unknown := sorted(set(names) - set(parameters)):
            raise ValueError(f"{folder / CONFIG_FILE} is damaged: the model has no parameters {unknown}")
        for name in names[1:]:
            owner, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(owner), leaf, parameters[names[0]])
    return model.eval()


def _fill(model: M, weights: dict[str, Tensor], folder: Path) -> M:
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
        raise ValueError(f"the weights {folder / WEIGHTS_FILE} do not fit the model: {shown}")
    odd = [name for name, _ in model.named_parameters() if not bool(weights[name].isfinite().all())]
    if odd:
        raise ValueError(
            f"{folder / WEIGHTS_FILE} holds weights that are NaN or infinite, {odd[0]} for one ({len(odd)} in all): it "
            "is damaged, or its training diverged; train it again, with a lower learning rate say"
        )
    model.load_state_dict(weights)
    return model
