r"""One shard: the molecules of some rows in one memory-mapped file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.datasets.io.reading import Reading
from pyg_moleblend.fields import Level, level_of
from pyg_moleblend.runtime.files import Digest, atomic_write
from pyg_moleblend.runtime.open_file import parse_json
from pyg_moleblend.utils.flat_batch import Stored, as_stored, is_text

_POINTERS = "slices."
_RESERVED = ("x", "edge_index", "edge_attr", "pos", "conformers", "smiles", "id", "row")


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
    columns = dict(columns or {})
    counted = {"columns": [len(values) for values in columns.values()], "ids": [] if ids is None else [len(ids)]}
    if any(count != len(reading.rows) for counts in counted.values() for count in counts):
        raise ValueError(f"expected one row a molecule for {len(reading.rows)} molecules, got {counted}")
    own: dict[str, Any] = {"smiles": reading.smiles, "row": reading.rows.astype(np.int64)}
    if ids is not None:
        own["id"] = list(ids)
    fields = reading.graphs.fields
    if taken := sorted(columns.keys() & {*_RESERVED, *fields} | fields.keys() & own.keys()):
        raise ValueError(f"columns may not be called {taken}: a shard has tensors of these names")
    graphs = reading.graphs._replace(fields={**fields, **columns, **own})
    arrays = {_POINTERS + "atoms": _pointers(graphs.ends("atom")), _POINTERS + "edges": _pointers(graphs.ends("edge"))}
    for name, values in graphs.arrays.items():
        graphs.level(name)  # refuses what could not be cut again
        if isinstance(values, list):
            encoded = [text.encode() for text in values]
            arrays[name] = np.frombuffer(b"".join(encoded), dtype=np.uint8)
            arrays[_POINTERS + name] = _pointers(np.cumsum([0, *map(len, encoded)]))
        elif name != "pos" or np.isfinite(values).any():
            arrays[name] = as_stored(name, values)
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
    molecules = len(tensors["row"])
    ends = {"atom": pointers.pop("atoms"), "edge": pointers.pop("edges")}
    ends["graph"] = torch.arange(molecules + 1, dtype=torch.int32)
    slices = {}
    for name, tensor in tensors.items():
        rows = tensor.size(-1 if "index" in name else 0)
        level = _level(path, name, rows, molecules, name in pointers)
        if level == "pair" and level not in ends:
            counts = ends["atom"].diff().long().square()
            ends[level] = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        slices[name] = pointers.get(name, ends[level])
        if rows != (expected := int(slices[name][-1])):
            raise ValueError(f"{path} holds {rows} rows of {name!r}, a field of level {level!r}, expected {expected}")
    return Data(**tensors), slices


def texts_of(stored: Stored, name: str) -> list[str]:
    r"""A text field of a shard's molecules, ``smiles`` say."""
    data, slices = stored
    whole, ends = bytes(data[name].numpy()), slices[name].tolist()
    return [whole[start:stop].decode() for start, stop in pairwise(ends)]


def read_facts(path: str | Path) -> dict[str, Any]:
    r"""What :func:`write_shard` was given to remember.

    Raises:
        ValueError: If it is no shard, or its head is damaged.
        FileNotFoundError: If there is no such file.
    """
    try:
        with safe_open(_existing(path), "pt") as file:
            return dict(parse_json(file.metadata()["facts"], path))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged, or no shard of molecules: {error!r}") from error


def _level(path: str | Path, name: str, rows: int, molecules: int, has_pointers: bool) -> Level:
    r"""What has a row in a tensor. One that was not declared must have a row a molecule."""
    try:
        if has_pointers and not is_text(name):
            raise ValueError(f"say pyg_moleblend.fields.declare({name!r}, level='graph', dtype='str')")
        return level_of(name, "graph" if rows == molecules else None)
    except ValueError as error:
        what = "texts" if has_pointers else f"{rows} rows for {molecules} molecules"
        raise ValueError(f"{path} holds {name!r}, {what}: {error}") from error


def _pointers(ends: NDArray[np.int64]) -> NDArray[Any]:
    return ends.astype(np.int32 if ends[-1] <= np.iinfo(np.int32).max else np.int64)


def _tensor(values: NDArray[Any]) -> Tensor:
    # A copy where needed: torch will not have the memory of an immutable bytes object.
    return torch.from_numpy(np.require(values, requirements=["C", "W"]))


def _existing(path: str | Path) -> str:
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return str(path)
