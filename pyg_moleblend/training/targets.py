r"""Labels of a dataset, whichever kind of dataset it is."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.transforms import BaseTransform, Compose


class SelectTargets(BaseTransform):
    r"""Keeps some columns of ``y``.

    Args:
        columns: The columns, in the order that they shall have.
    """

    def __init__(self, columns: Sequence[int]) -> None:
        self.columns = list(columns)

    def forward(self, data: Data) -> Data:
        data.y = data.y.view(1, -1)[:, self.columns]
        return data

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.columns})"


class Labelled(NamedTuple):
    r"""Molecules with the targets that were asked for.

    Attributes:
        molecules: The molecules; their ``y`` is ``[1, T]``.
        names: Names of the T targets.
        units: Their units, ``""`` where they are not known.
    """

    molecules: Any
    names: tuple[str, ...]
    units: tuple[str, ...]


def select_targets(molecules: Sequence[Data] | Any, targets: Sequence[str] | None = None) -> Labelled:
    r"""The molecules with the given targets only.

    Args:
        molecules: A PyG dataset or a list of ``Data`` with ``y``.
        targets: Names of the targets. Those of a dataset with ``target_names`` are chosen among these, all by
            default; where there are none, they name all columns of ``y`` in order.

    Raises:
        ValueError: If there is no ``y``, or the names do not fit it.
    """
    if not len(molecules) or molecules[0].get("y") is None:
        raise ValueError("the molecules have no targets: say which columns they are, or give each `Data` a `y` [1, T]")
    width = molecules[0].y.view(1, -1).size(1)
    known = list(getattr(molecules, "target_names", None) or targets or [f"target_{i}" for i in range(width)])
    if len(known) != width:
        raise ValueError(f"the molecules have {width} targets, but there are {len(known)} names {known[:8]}")
    chosen = known if targets is None else list(targets)
    if missing := [name for name in chosen if name not in known]:
        raise ValueError(f"the molecules have no targets {missing}; theirs are {known}")
    columns = [known.index(name) for name in chosen]
    all_units = getattr(molecules, "target_units", None) or [""] * width
    return Labelled(_apply(molecules, SelectTargets(columns)), tuple(chosen), tuple(all_units[i] for i in columns))


def labels_of(labelled: Labelled, positions: Tensor) -> Tensor:
    r"""Labels ``[M, T]`` of some of the molecules, NaN where there is none."""
    molecules = take(labelled.molecules, positions)
    if not len(molecules):
        return torch.empty(0, len(labelled.names))
    return torch.cat([molecules[i].y for i in range(len(molecules))]).float()


def take(molecules: Sequence[Data] | Any, positions: Tensor) -> Any:
    r"""Some molecules of a dataset or list, in the given order."""
    if isinstance(molecules, InMemoryDataset):
        return molecules[positions]
    return [molecules[i] for i in positions.tolist()]


def has_coordinates(molecules: Sequence[Data] | Any) -> bool:
    r"""Whether any of the molecules has a 3D structure."""
    return any(_has_structure(molecules[i]) for i in range(len(molecules)))


def _has_structure(data: Data) -> bool:
    pos = data.get("pos")
    return pos is not None and bool(torch.isfinite(pos).all()) and bool(data.get("has_pos", True))


def _apply(molecules: Sequence[Data] | Any, transform: BaseTransform) -> Any:
    if not isinstance(molecules, InMemoryDataset):
        return [transform(molecules[i]) for i in range(len(molecules))]
    changed = copy.copy(molecules)
    changed.transform = transform if molecules.transform is None else Compose([molecules.transform, transform])
    return changed
