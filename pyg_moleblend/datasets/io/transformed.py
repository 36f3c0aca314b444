r"""PyG transforms of molecules before they are stored: what tells one from another, and what it makes of molecules."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.chem import FlatGraphs, MoleculeChunk, MoleculeError, data_list
from pyg_moleblend.datasets.io.reading_result import Reading
from pyg_moleblend.utils.flat_batch import is_text, refuse_special_names

_GRAPH = ("x", "edge_index", "edge_attr")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_ABSENT = object()
_ARGS, _KEYWORDS = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


def transform_key(transform: Any) -> str:
    r"""What tells a transform (or a filter) from others: its ``repr``, which has to tell all of its arguments.

    An argument is told if its name or its value stands in the ``repr``, or if the attribute of its name has the
    default. Where the constructor does not name its arguments, the object's attributes are what has to be told.

    Raises:
        ValueError: If an argument is not told, or the ``repr`` holds a memory address, as those of functions do, or
            leaves part of an array out.
    """
    text = repr(transform)
    if _ADDRESS.search(text):
        raise ValueError(f"{text} cannot be told from others by its repr; give it a `__repr__` with all arguments")
    if "..." in text:
        raise ValueError(f"{text} leaves part of an argument out; give it a `__repr__` with all arguments")
    for part in getattr(transform, "transforms", ()):  # of PyG's Compose
        transform_key(part)
    if hidden := _hidden(transform, text):
        raise ValueError(f"{text} does not tell its arguments {hidden}; give it a `__repr__` with all arguments")
    return text


def _hidden(transform: Any, text: str) -> list[str]:
    r"""Arguments of the constructor that a text does not tell."""
    hidden = []
    parameters = inspect.signature(type(transform)).parameters
    named = [name for name, parameter in parameters.items() if parameter.kind not in (_ARGS, _KEYWORDS)]
    if not parameters or len(named) < len(parameters):
        state = getattr(transform, "__dict__", {}).items()
        hidden = [name for name, value in state if name not in named and not _stands_in(repr(value), text)]
    for name, parameter in parameters.items():
        value = getattr(transform, name, _ABSENT)
        told = _stands_in(name, text) or (value is not _ABSENT and _stands_in(repr(value), text))
        told = told or repr(value) == repr(parameter.default) or (name == "transforms" and value is not _ABSENT)
        if not told and name in named:
            hidden.append(name)
    return hidden


def _stands_in(word: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", text) is not None


def transformed(
    reading: Reading, transform: Callable[[Data], Data], started: Callable[[int], None] = lambda item: None
) -> Reading:
    r"""What a transform makes of molecules that were read.

    It is given ``x``, ``edge_index``, ``edge_attr``, ``pos``, ``smiles`` and, where there are several, ``conformers``;
    labels and identifiers come after it. A molecule for which it raises a :class:`~pyg_moleblend.chem.MoleculeError`
    becomes a failure.

    Args:
        reading: The molecules.
        transform: Gives a molecule for a molecule.
        started: Is told the row that is begun with, -1 after the last.

    Raises:
        ValueError: If the transform gives something else, or a field that is not declared.
    """
    found: list[Data] = []
    reasons: dict[int, str] = {}
    molecules = data_list(MoleculeChunk(reading.graphs, reading.smiles))
    for m, (row, data) in enumerate(zip(reading.rows.tolist(), molecules, strict=True)):
        started(row)
        try:
            found.append(transform(data))
        except MoleculeError as error:
            reasons[m] = error.reason
            continue
        if not isinstance(found[-1], Data) or not isinstance(found[-1].get("smiles"), str):
            raise ValueError(f"{transform!r} must give a Data with `smiles` for each molecule, got {found[-1]!r}")
    started(-1)
    kept = reading.drop(np.isin(np.arange(len(molecules)), list(reasons)), reasons.__getitem__)
    return kept._replace(graphs=flat_graphs(found), smiles=[data.smiles for data in found])


def flat_graphs(molecules: Sequence[Data]) -> FlatGraphs:
    r"""Molecules as flat graphs, with all of their fields but ``smiles``; the inverse of
    :func:`~pyg_moleblend.chem.data_list`.

    Raises:
        ValueError: If two molecules have different fields, or a field is not declared, has other rows than its level,
            or holds what cannot be stored.
    """
    parts = []
    for data in molecules:
        given = {name: value for name, value in data.to_dict().items() if name not in ("smiles", "num_nodes")}
        refuse_special_names(given)
        fields = {name: _array(name, value) for name, value in given.items()}
        if missing := [name for name in _GRAPH if name not in fields]:
            raise ValueError(f"molecule {data.smiles!r} has no {missing}")
        graph = {name: fields.pop(name) for name in _GRAPH}
        pos = fields.pop("pos", np.full((len(graph["x"]), 3), np.nan))
        num_atoms, num_edges = np.array([len(graph["x"])]), np.array([graph["edge_index"].shape[1]])
        part = FlatGraphs(**graph, pos=pos.astype(np.float32), num_atoms=num_atoms, num_edges=num_edges, fields=fields)
        for name in fields:
            try:
                part.level(name)
            except ValueError as error:
                raise ValueError(f"molecule {data.smiles!r}: {error}, where worker processes see it too") from error
        parts.append(part)
    return FlatGraphs.concatenate(parts)


def _array(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if not is_text(name):
            raise ValueError(
                f"field {name!r} is a text: say pyg_moleblend.fields.declare({name!r}, level='graph', dtype='str')"
            )
        return [value]
    if isinstance(value, bool | int | float):
        value = torch.tensor([value])  # as PyG collates
    if not isinstance(value, Tensor) or value.is_complex() or value.dtype == torch.bfloat16:
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"field {name!r} must be a text, a number, or a tensor of a type that NumPy knows, got {found}"
        )
    value = value.detach().cpu()
    array: NDArray[Any] = (value[None] if value.dim() == 0 else value).numpy()
    return array
