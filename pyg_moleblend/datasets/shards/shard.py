r"""One shard: the molecules of some rows in one memory-mapped file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.datasets.base import Stored
from pyg_moleblend.datasets.io.reading import Reading
from pyg_moleblend.runtime.files import Digest, atomic_write

# Which pointers cut which tensor; every other tensor has a row a molecule.
_SLICES = {
    "x": "atoms",
    "pos": "atoms",
    "conformers": "atoms",
    "edge_index": "edges",
    "edge_attr": "edges",
    "smiles": "smiles",
    "id": "id",
}
_POINTERS = "slices."


def write_shard(
    path: str | Path,
    reading: Reading,
    columns: Mapping[str, NDArray[Any]] | None = None,
    ids: Sequence[str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Digest:
    r"""Writes a shard, which appears at `path` complete or not at all. Equal arguments give equal bytes.

    The graph's integers take one byte where they can. Coordinates are left out where no molecule has any.

    Args:
        path: The file, ``.safetensors``.
        reading: M molecules, with the rows that they are from.
        columns: More attributes, ``y`` say: one row a molecule, ``[M, ...]``.
        ids: Identifiers of the molecules.
        facts: What else is to be remembered, as JSON.

    Returns:
        Size and SHA-256 of the file.

    Raises:
        ValueError: If there are not as many of something as molecules.
    """
    graphs, columns = reading.graphs, dict(columns or {})
    counted = {"columns": [len(values) for values in columns.values()], "ids": [] if ids is None else [len(ids)]}
    if any(count != len(reading.rows) for counts in counted.values() for count in counts):
        raise ValueError(f"expected one row a molecule for {len(reading.rows)} molecules, got {counted}")
    if taken := sorted(columns.keys() & {*_SLICES, "row"}):
        raise ValueError(f"columns may not be called {taken}: a shard has tensors of these names")
    texts = {"smiles": reading.smiles} if ids is None else {"smiles": reading.smiles, "id": list(ids)}
    arrays: dict[str, NDArray[Any]] = {
        "x": smallest(graphs.x),
        "edge_index": smallest(graphs.edge_index),
        "edge_attr": smallest(graphs.edge_attr),
        "row": reading.rows.astype(np.int64),
        "slices.atoms": _pointers(graphs.ends("atom")),
        "slices.edges": _pointers(graphs.ends("edge")),
        **columns,
    }
    for name, strings in texts.items():
        encoded = [text.encode() for text in strings]
        arrays[name] = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        arrays[_POINTERS + name] = _pointers(np.cumsum([0, *map(len, encoded)]))
    if np.isfinite(graphs.pos).any():
        arrays["pos"] = graphs.pos.astype(np.float32)
    if reading.conformers is not None:
        arrays["conformers"] = reading.conformers.astype(np.float32)
    # One entry of metadata: safetensors writes several in any order.
    text = json.dumps(dict(facts or {}), sort_keys=True)
    content = save({name: _tensor(values) for name, values in arrays.items()}, {"facts": text})
    with atomic_write(path) as file:
        file.write(content)
    return Digest(len(content), hashlib.sha256(content).hexdigest())


def read_shard(path: str | Path) -> Stored:
    r"""The molecules of a shard, memory-mapped: nothing is read before it is looked at.

    ``smiles`` (and ``id``) are UTF-8 bytes, uint8, cut by their slices like everything else; ``pos`` is NaN, and takes
    no memory, where no molecule has coordinates. The integers are as small as they were stored, int32 pointers too;
    two shards may have other types.

    Raises:
        ValueError: If it is no shard, or its head is damaged; :func:`~pyg_moleblend.runtime.files.is_whole` tells
            whether all of it is whole.
        FileNotFoundError: If there is no such file.
    """
    try:
        with safe_open(_existing(path), "pt") as file:
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    pointers = {name.removeprefix(_POINTERS): tensors.pop(name) for name in list(tensors) if name.startswith(_POINTERS)}
    missing = {"x", "edge_index", "edge_attr", "row", "smiles"} - tensors.keys()
    if missing or not {"atoms", "edges", "smiles"} <= pointers.keys():
        raise ValueError(f"{path} is no shard of molecules: it holds {sorted(tensors)} and pointers {sorted(pointers)}")
    if "pos" not in tensors:
        tensors["pos"] = torch.full((1, 1), torch.nan).expand(len(tensors["x"]), 3)
    ones = torch.arange(len(tensors["row"]) + 1, dtype=torch.int32)
    slices = {name: pointers[_SLICES[name]] if name in _SLICES else ones for name in tensors}
    return Data(**tensors), slices


def read_facts(path: str | Path) -> dict[str, Any]:
    r"""What :func:`write_shard` was given to remember.

    Raises:
        ValueError: If it is no shard, or its head is damaged.
        FileNotFoundError: If there is no such file.
    """
    try:
        with safe_open(_existing(path), "pt") as file:
            return dict(json.loads(file.metadata()["facts"]))
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged, or no shard of molecules: {error!r}") from error


def smallest(values: NDArray[Any]) -> NDArray[Any]:
    r"""Integers in the smallest type of uint8, int16, int32, int64 that holds them."""
    if not values.size:
        return values.astype(np.uint8)
    low, high = int(values.min()), int(values.max())
    types = (np.uint8, np.int16, np.int32, np.int64)
    return values.astype(next(kind for kind in types if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max))


def _pointers(ends: NDArray[np.int64]) -> NDArray[Any]:
    return ends.astype(np.int32 if ends[-1] <= np.iinfo(np.int32).max else np.int64)


def _tensor(values: NDArray[Any]) -> Tensor:
    # A copy where needed: torch will not have the memory of an immutable bytes object.
    return torch.from_numpy(np.require(values, requirements=["C", "W"]))


def _existing(path: str | Path) -> str:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return str(path)
