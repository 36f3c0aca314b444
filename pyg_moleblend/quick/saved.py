r"""A quick model as two files, ``quick.json`` and ``quick.safetensors``: numbers and text, nothing that can run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from scipy import sparse

from pyg_moleblend.metrics import TaskType
from pyg_moleblend.quick.calibration import Sigmoid
from pyg_moleblend.quick.combination import Combination, How
from pyg_moleblend.quick.features import fingerprint_size
from pyg_moleblend.quick.forest import Forest
from pyg_moleblend.quick.gaussian_process import Mixture
from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.kernels import Kernels
from pyg_moleblend.quick.scaler import Scaler
from pyg_moleblend.quick.task import Intervals, TaskModel
from pyg_moleblend.runtime.files import atomic_write, digest_of
from pyg_moleblend.runtime.open_file import read_json

if TYPE_CHECKING:
    from pyg_moleblend.quick.model import QuickModel

TEXT_FILE = "quick.json"
ARRAY_FILE = "quick.safetensors"
FORMAT = 1

Arrays = dict[str, NDArray[Any]]


def save_quick(model: QuickModel, folder: str | Path) -> Path:
    r"""Writes a model.

    Args:
        model: It.
        folder: Where to; made when it does not exist.

    Returns:
        The folder.
    """
    folder, arrays = Path(folder), _kernel_arrays(model.kernels)
    tasks = [_task_text(task, f"task.{place}", arrays) for place, task in enumerate(model.tasks)]
    data = save({name: np.ascontiguousarray(values) for name, values in arrays.items()})
    text = {
        "format": FORMAT,
        "arrays": hashlib.sha256(data).hexdigest(),
        "names": list(model.names),
        "kind": model.kind,
        "descriptors": list(model.descriptors),
        "dense": list(model.kernels.reference.dense),
        "counts": list(model.kernels.reference.counts),
        "tasks": tasks,
        "report": {name: value for name, value in model.report.items() if name != "seconds"},
        "smiles": model.smiles,
    }
    written = json.dumps(text, indent=1, allow_nan=False)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / ARRAY_FILE) as file:
        file.write(data)
    with atomic_write(folder / TEXT_FILE, "w") as file:
        file.write(written + "\n")
    return folder


def load_quick(folder: str | Path) -> dict[str, Any]:
    r"""Arguments of the model that :func:`save_quick` wrote; the files are data, and nothing in them is run.

    Raises:
        FileNotFoundError: If the folder lacks one of the files.
        ValueError: If they are damaged, do not belong together or are of another format.
    """
    folder = Path(folder)
    try:
        text = read_json(folder / TEXT_FILE)
        arrays = load_file(folder / ARRAY_FILE)
        if text["format"] != FORMAT:
            raise ValueError(f"it is of format {text['format']}, this version reads {FORMAT}")
        if text["arrays"] != digest_of(folder / ARRAY_FILE):
            raise ValueError("its two files do not belong together")
        kernels = _kernels(text, arrays)
        tasks = [_task(saved, f"task.{place}", arrays, kernels) for place, saved in enumerate(text["tasks"])]
        if odd := [name for key in ("names", "descriptors", "smiles") for name in text[key] if type(name) is not str]:
            raise ValueError(f"it has {odd[0]!r} for a text")
        if len(tasks) != len(text["names"]) or len(text["smiles"]) != len(kernels.reference):
            raise ValueError("its parts do not fit together")
        plain = {name: text[name] for name in ("kind", "smiles", "report")}
        lists = {name: tuple(text[name]) for name in ("names", "descriptors")}
        return {**plain, **lists, "kernels": kernels, "tasks": tasks}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, SafetensorError) as error:
        raise ValueError(
            f"{folder} holds no whole quick model: {type(error).__name__} {error}; save it again"
        ) from error


def _kernel_arrays(kernels: Kernels) -> Arrays:
    arrays: Arrays = {}
    for name, values in kernels.reference.dense.items():
        arrays[f"dense.{name}"] = _narrow(values)
        arrays |= _fields(f"scaler.{name}", kernels.scalers[name])
    for name, counts in kernels.reference.counts.items():
        arrays[f"counts.{name}.count"] = counts.data.astype(np.int32)
        arrays[f"counts.{name}.pattern"] = counts.indices.astype(np.int16)  # there are 4,096 at most
        arrays[f"counts.{name}.end"] = counts.indptr.astype(np.int64)
    return arrays


def _narrow(values: NDArray[np.float64]) -> NDArray[Any]:
    r"""In half the bytes, where nothing is lost."""
    narrow = values.astype(np.float32)
    return narrow if np.array_equal(narrow, values, equal_nan=True) else values


def _kernels(text: Mapping[str, Any], arrays: Arrays) -> Kernels:
    dense = {name: arrays[f"dense.{name}"].astype(np.float64) for name in text["dense"]}
    rows = {len(values) for values in dense.values()}
    scalers = {name: Scaler(**_of_fields(f"scaler.{name}", Scaler._fields, arrays)) for name in dense}
    counts = {}
    for name in text["counts"]:
        data = arrays[f"counts.{name}.count"].astype(np.float32)
        indices, ends = arrays[f"counts.{name}.pattern"].astype(np.int32), arrays[f"counts.{name}.end"]
        counts[name] = sparse.csr_array((data, indices, ends), shape=(len(ends) - 1, fingerprint_size(name)))
        counts[name].check_format()
        rows.add(len(ends) - 1)
    if len(rows) != 1 or len(text["descriptors"]) != dense["descriptors"].shape[1]:
        raise ValueError(f"its inputs have {sorted(rows)} rows")
    for name, scaler in scalers.items():
        if any(values.shape != dense[name].shape[1:] for values in scaler):
            raise ValueError(f"the scaler of {name!r} does not fit it")
    return Kernels(Inputs(dense, counts), scalers)


def _task_text(task: TaskModel, prefix: str, arrays: Arrays) -> dict[str, Any]:
    r"""What of a task is text; its arrays are added to the others."""
    arrays[f"{prefix}.weights"] = task.mixture.weights
    for name, (coefficients, _) in task.machines.items():
        arrays[f"{prefix}.machine.{name}"] = coefficients
    for name, forest in task.forests.items():
        arrays.update(_fields(f"{prefix}.forest.{name}", forest))
    for name, table in task.combination.tables.items():
        arrays[f"{prefix}.table.{name}"] = table
    if task.intervals is not None:
        arrays[f"{prefix}.known"] = task.intervals.known
        arrays[f"{prefix}.errors"] = task.intervals.errors
    return {
        "kind": task.kind,
        "mean": task.mean,
        "std": task.std,
        "noise": task.mixture.noise,
        "biases": {name: bias for name, (_, bias) in task.machines.items()},
        "forests": list(task.forests),
        "sigmoids": {name: list(sigmoid) for name, sigmoid in task.sigmoids.items()},
        "averaged_by": task.combination.how,
        "averaged": list(task.combination.tables),
        "calibration": task.calibration and list(task.calibration),
        "scale": task.intervals and task.intervals.scale,
    }


def _task(saved: Mapping[str, Any], prefix: str, arrays: Arrays, kernels: Kernels) -> TaskModel:
    mixture = Mixture(arrays[f"{prefix}.weights"], _number(saved["noise"]))
    machines = {name: (arrays[f"{prefix}.machine.{name}"], _number(bias)) for name, bias in saved["biases"].items()}
    forests = {n: Forest(**_of_fields(f"{prefix}.forest.{n}", Forest._fields, arrays)) for n in saved["forests"]}
    width = kernels.reference.take(slice(0, 1)).columns(kernels.scalers).shape[1]
    for forest in forests.values():
        forest.check(width)
    rows, known = len(kernels.reference), arrays.get(f"{prefix}.known", np.empty(0, dtype=np.int64))
    if len(mixture.weights) != len(kernels.names) or any(len(c) != rows for c, _ in machines.values()):
        raise ValueError(f"{prefix} does not fit the kernels")
    if len(known) and not 0 <= known.min() <= known.max() < rows:
        raise ValueError(f"{prefix} knows molecules that are not there")
    tables = {name: arrays[f"{prefix}.table.{name}"] for name in saved["averaged"]}
    sigmoids = {name: Sigmoid(*map(_number, values)) for name, values in saved["sigmoids"].items()}
    members = {*machines, *forests}
    if not tables.keys() <= members or (sigmoids and sigmoids.keys() != members):
        raise ValueError(f"{prefix} averages {sorted(tables)}, and has {sorted(members)}")
    if saved["averaged_by"] not in get_args(How) or saved["kind"] not in get_args(TaskType):
        raise ValueError(f"{prefix} is a {saved['kind']!r} of averages by {saved['averaged_by']!r}")
    intervals = None
    if saved["scale"] is not None:
        intervals = Intervals(known, _number(saved["scale"]), arrays[f"{prefix}.errors"])
    return TaskModel(
        saved["kind"],
        _number(saved["mean"]),
        _number(saved["std"]),
        mixture,
        machines,
        forests,
        sigmoids,
        Combination(saved["averaged_by"], tables),
        None if saved["calibration"] is None else Sigmoid(*map(_number, saved["calibration"])),
        intervals,
    )


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{str(value)[:40]!r} is no number")
    return float(value)


def _fields(prefix: str, values: Any) -> Arrays:
    return {f"{prefix}.{name}": value for name, value in values._asdict().items()}


def _of_fields(prefix: str, names: tuple[str, ...], arrays: Arrays) -> Arrays:
    return {name: arrays[f"{prefix}.{name}"] for name in names}
