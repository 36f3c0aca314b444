r"""Graphs of many molecules, one after another in flat arrays: the one walk over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pyg_moleblend.fields import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES, Level, level_of


class MoleculeGraph(NamedTuple):
    r"""One molecule of :class:`FlatGraphs`; its arrays are views.

    Attributes:
        atoms: Its rows among the atoms of all molecules.
        x: ``[N, F]``.
        edge_index: ``[2, E]``.
        edge_attr: ``[E, 3]``.
        pos: ``[N, 3]``.
        fields: The others, by name.
    """

    atoms: slice
    x: NDArray[Any]
    edge_index: NDArray[Any]
    edge_attr: NDArray[Any]
    pos: NDArray[np.float32]
    fields: dict[str, Any]

    @property
    def arrays(self) -> dict[str, Any]:
        r"""All of its arrays, by name."""
        return {"x": self.x, "edge_index": self.edge_index, "edge_attr": self.edge_attr, "pos": self.pos, **self.fields}


class FlatGraphs(NamedTuple):
    r"""Graphs of M molecules, one after another, in OGB's vocabulary.

    Shapes:
        * ``x``: ``[ΣN, 9]`` int64 atom features.
        * ``edge_index``: ``[2, ΣE]`` int64, counted within each molecule; every bond i→j then j→i, in RDKit's
          bond order.
        * ``edge_attr``: ``[ΣE, 3]`` int64 bond features.
        * ``pos``: ``[ΣN, 3]`` float32 coordinates in Å, NaN for a molecule without a 3D structure.
        * ``num_atoms``, ``num_edges``: ``[M]`` int64.
        * ``fields``: any other by name, with the rows of its level (:mod:`pyg_moleblend.fields`): ``[ΣN², ...]``,
          ``[ΣN, ...]``, ``[ΣE, ...]`` or ``[M, ...]``, or M texts.
    """

    x: NDArray[Any]
    edge_index: NDArray[Any]
    edge_attr: NDArray[Any]
    pos: NDArray[np.float32]
    num_atoms: NDArray[np.int64]
    num_edges: NDArray[np.int64]
    fields: Mapping[str, Any] = {}

    @property
    def num_molecules(self) -> int:
        r"""M."""
        return len(self.num_atoms)

    @property
    def arrays(self) -> dict[str, Any]:
        r"""All that has rows, by name."""
        return {"x": self.x, "edge_index": self.edge_index, "edge_attr": self.edge_attr, "pos": self.pos, **self.fields}

    def counts(self, level: Level) -> NDArray[np.int64]:
        r"""Rows of each molecule in a field of a level, ``[M]``."""
        if level == "graph":
            return np.ones(self.num_molecules, dtype=np.int64)
        return {"atom": self.num_atoms, "edge": self.num_edges, "pair": self.num_atoms**2}[level]

    def ends(self, level: Level) -> NDArray[np.int64]:
        r"""Where each molecule's rows begin and end in a field of a level, ``[M + 1]``."""
        return np.concatenate([[0], np.cumsum(self.counts(level))])

    def level(self, name: str) -> Level:
        r"""What has a row in a field. One that was not declared must have a row a molecule.

        Raises:
            ValueError: If it has other rows than its level, or was not declared and has not a row a molecule.
        """
        values = self.arrays[name]
        rows = len(values) if isinstance(values, list) else values.shape[_axis(name)]
        level = level_of(name, "graph" if rows == self.num_molecules else None)
        if rows != (expected := int(self.counts(level).sum())):
            raise ValueError(f"{level} field {name!r} must have {expected} rows for these molecules, got {rows}")
        return level

    def tensors(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        r"""All that has rows, as tensors (or texts) that share its memory, and the :meth:`ends` of each."""
        arrays = self.arrays
        level = {name: self.level(name) for name in arrays}
        ends = {kind: torch.from_numpy(self.ends(kind)) for kind in set(level.values())}
        values = {name: each if isinstance(each, list) else torch.from_numpy(each) for name, each in arrays.items()}
        return values, {name: ends[kind] for name, kind in level.items()}

    def each(self) -> Iterator[MoleculeGraph]:
        r"""The molecules, one after another."""
        level = {name: self.level(name) for name in self.fields}
        ends = {kind: self.ends(kind).tolist() for kind in {"atom", "edge", *level.values()}}
        for m in range(self.num_molecules):
            part = {kind: slice(stops[m], stops[m + 1]) for kind, stops in ends.items()}
            atoms, edges = part["atom"], part["edge"]
            fields = {
                name: values[m] if isinstance(values, list) else values[part[level[name]]]
                for name, values in self.fields.items()
            }
            yield MoleculeGraph(
                atoms, self.x[atoms], self.edge_index[:, edges], self.edge_attr[edges], self.pos[atoms], fields
            )

    def map(self, function: Callable[[str, NDArray[Any]], NDArray[Any]]) -> FlatGraphs:
        r"""The same molecules, each array being what the function gives for its name and the array."""
        changed = {name: v if isinstance(v, list) else function(name, v) for name, v in self.arrays.items()}
        return _of(changed, self.num_atoms, self.num_edges)

    def select(self, chosen: NDArray[np.bool_]) -> FlatGraphs:
        r"""Some of the molecules, by a mask ``[M]``."""
        kept = {}
        for name, values in self.arrays.items():
            rows = np.repeat(chosen, self.counts(self.level(name)))
            texts = isinstance(values, list)
            kept[name] = list(compress(values, rows)) if texts else np.compress(rows, values, _axis(name))
        return _of(kept, self.num_atoms[chosen], self.num_edges[chosen])

    @staticmethod
    def concatenate(graphs: Sequence[FlatGraphs]) -> FlatGraphs:
        r"""Several as one, in their order.

        Raises:
            ValueError: If they have different fields, or fields of different shapes.
        """
        parts = [part for part in graphs if part.num_molecules] or [*graphs[:1]] or [EMPTY]
        if len(parts) == 1:
            return parts[0]
        shapes = [{name: getattr(v, "shape", (0,))[1:] for name, v in part.fields.items()} for part in parts]
        if other := [shape for shape in shapes if shape != shapes[0]]:
            raise ValueError(
                f"expected the same fields (and the same number of conformers) of all molecules, got {shapes[0]} and "
                f"{other[0]}"
            )
        arrays = [part.arrays for part in parts]
        joined = {name: _joined([part[name] for part in arrays], _axis(name)) for name in arrays[0]}
        num_atoms, num_edges = ([getattr(part, name) for part in parts] for name in ("num_atoms", "num_edges"))
        return _of(joined, np.concatenate(num_atoms), np.concatenate(num_edges))


EMPTY = FlatGraphs(
    x=np.empty((0, len(ATOM_FEATURE_SIZES)), dtype=np.int64),
    edge_index=np.empty((2, 0), dtype=np.int64),
    edge_attr=np.empty((0, len(BOND_FEATURE_SIZES)), dtype=np.int64),
    pos=np.empty((0, 3), dtype=np.float32),
    num_atoms=np.empty(0, dtype=np.int64),
    num_edges=np.empty(0, dtype=np.int64),
)
r"""No molecule."""


def _of(arrays: dict[str, Any], num_atoms: NDArray[np.int64], num_edges: NDArray[np.int64]) -> FlatGraphs:
    graph = {name: arrays.pop(name) for name in ("x", "edge_index", "edge_attr", "pos")}
    return FlatGraphs(**graph, num_atoms=num_atoms, num_edges=num_edges, fields=arrays)


def _axis(name: str) -> int:
    return -1 if "index" in name else 0  # as PyG collates


def _joined(parts: list[Any], axis: int) -> Any:
    if isinstance(parts[0], list):
        return [text for part in parts for text in part]
    return np.concatenate(parts, axis)
