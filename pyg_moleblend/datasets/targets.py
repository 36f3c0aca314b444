r"""Labels of molecules, whichever kind of dataset they are in."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data, Dataset, InMemoryDataset

from pyg_moleblend.datasets import MoleculeDataset, MoleculeShards
from pyg_moleblend.datasets.base import has_structure
from pyg_moleblend.runtime.files import content_key


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
        molecules: One of our datasets, any other PyG dataset, or a list of ``Data``, with ``y``.
        targets: Names of the targets. Those of our datasets are chosen among the dataset's, all by default;
            elsewhere they name the columns of ``y`` in order.

    Raises:
        ValueError: If there is no ``y``, the names do not fit it, or a label is infinite.
    """
    labelled = _labelled(molecules, targets)
    found = labels_of(labelled).isinf().nonzero().tolist()
    if found:
        number, column = found[0]
        raise ValueError(
            f"label {labelled.names[column]!r} of molecule {number} is infinite, and so are {len(found) - 1} others; a "
            "label that is not known is NaN"
        )
    return labelled


def _labelled(molecules: Sequence[Data] | Any, targets: Sequence[str] | None) -> Labelled:
    if isinstance(molecules, MoleculeShards) and not molecules.target_names:
        raise ValueError("the folder was prepared without targets: prepare the table with those (--targets a,b,c)")
    if not len(molecules) or molecules[0].get("y") is None:
        raise ValueError("the molecules have no targets: say which columns they are, or give each `Data` a `y` [1, T]")
    if isinstance(molecules, MoleculeDataset | MoleculeShards):
        chosen = molecules if targets is None else molecules.select_targets(targets)
        units = getattr(chosen, "target_units", None) or [""] * len(chosen.target_names)
        return Labelled(chosen, tuple(chosen.target_names), tuple(units))
    first = molecules[0].y
    width = first.numel() if isinstance(first, Tensor) else 1
    names = tuple(targets or (f"target_{i}" for i in range(width)))
    if len(names) != width:
        raise ValueError(f"the molecules have {width} targets, but there are {len(names)} names {list(names)[:8]}")
    listed = [molecules[number] for number in range(len(molecules))]
    sided = any("label_side" in data for data in listed)
    rows = [_with_row(data, number, width, sided) for number, data in enumerate(listed)]
    return Labelled(rows, names, ("",) * width)


def labels_of(labelled: Labelled, positions: Tensor | None = None) -> Tensor:
    r"""Labels ``[M, T]`` of the molecules, or of some of them, float64; NaN where there is none, or a bound."""
    labels, side = _with_sides(labelled, positions)
    return labels.masked_fill(side != 0, torch.nan)


class Bounds(NamedTuple):
    r"""Labels that are bounds.

    Attributes:
        values: ``[M, T]`` float64, NaN where there is no bound.
        side: ``[M, T]``: 1 where the value lies above the bound, -1 where it lies below, else 0.
    """

    values: Tensor
    side: Tensor

    @property
    def total(self) -> int:
        r"""How many there are."""
        return int((~self.values.isnan()).sum())


def bounds_of(labelled: Labelled) -> Bounds:
    r"""The labels of the molecules that are bounds."""
    labels, side = _with_sides(labelled, None)
    return Bounds(labels.masked_fill(side == 0, torch.nan), side)


def _with_sides(labelled: Labelled, positions: Tensor | None) -> tuple[Tensor, Tensor]:
    molecules = labelled.molecules if positions is None else take(labelled.molecules, positions)
    if isinstance(molecules, MoleculeDataset | MoleculeShards):
        labels, side = molecules.y.double(), getattr(molecules, "label_side", None)
        return labels, torch.zeros_like(labels, dtype=torch.int8) if side is None else side
    none = torch.empty(0, len(labelled.names), dtype=torch.float64)
    labels = torch.cat([none, *(data.y for data in molecules)])
    sides = [data.get("label_side", torch.zeros_like(data.y, dtype=torch.int8)) for data in molecules]
    return labels, torch.cat([none.to(torch.int8), *sides])


def names_of(molecules: Sequence[Data] | Any) -> list[str]:
    r"""What tells each molecule from others: its SMILES, or a hash of the atoms and bonds of a graph without one."""
    if isinstance(molecules, MoleculeDataset | MoleculeShards):
        return molecules.smiles
    return [_name(molecules[i]) for i in range(len(molecules))]


def smiles_of(molecules: Sequence[Data] | Any) -> list[str]:
    r"""SMILES of molecules.

    Raises:
        ValueError: If one has none.
    """
    if isinstance(molecules, MoleculeDataset | MoleculeShards):
        return molecules.smiles
    found = [molecules[i].get("smiles") for i in range(len(molecules))]
    if odd := [number for number, smiles in enumerate(found) if not isinstance(smiles, str)]:
        raise ValueError(f"molecule {odd[0]} has no `smiles`, which a quick model reads: give each `Data` its own")
    return found


def rows_of(molecules: Sequence[Data] | Any, positions: Tensor) -> Tensor:
    r"""Rows of the source of some molecules, or their positions where nothing tells these, ``[M]``."""
    rows = getattr(molecules, "row", None)
    return rows[positions] if isinstance(rows, Tensor) else positions


def content_of(molecules: Sequence[Data] | Any) -> str:
    r"""What tells some molecules, in their order, from others; of shards, what they were made of."""
    if isinstance(molecules, MoleculeShards):
        rows = hashlib.sha256(molecules.row.numpy().tobytes()).hexdigest()
        return f"{len(molecules)} molecules {content_key(shards=molecules.manifest.key, rows=rows)}"
    found = hashlib.sha256()
    for name in names_of(molecules):
        found.update(f"{name}\n".encode())
    return f"{len(molecules)} molecules {found.hexdigest()[:16]}"


def take(molecules: Sequence[Data] | Any, positions: Tensor) -> Any:
    r"""Some molecules of a dataset or list, in the given order."""
    if isinstance(molecules, Dataset):
        return molecules[positions]
    return [molecules[i] for i in positions.tolist()]


def with_column(molecules: Sequence[Data] | Any, name: str, values: Tensor) -> Any:
    r"""The molecules of a dataset of ours or of a list, each with one more attribute, its row of ``[M, ...]``."""
    if isinstance(molecules, MoleculeDataset | MoleculeShards):
        return molecules.with_column(name, values)
    return [_with(data, name, value) for data, value in zip(molecules, values.split(1), strict=True)]


def count_flat(molecules: Sequence[Data] | Any) -> int:
    r"""How many of the molecules have no 3D structure."""
    if isinstance(molecules, MoleculeShards):
        return int((~molecules.has_pos).sum())
    if isinstance(molecules, InMemoryDataset) and molecules.transform is None and molecules.slices is not None:
        if "pos" not in molecules.slices:
            return len(molecules)
        known = has_structure((molecules._data, molecules.slices))
        return int((~known[torch.as_tensor(molecules.indices(), dtype=torch.long)]).sum())
    return sum(not _has_structure(molecules[i]) for i in range(len(molecules)))


def has_coordinates(molecules: Sequence[Data] | Any) -> bool:
    r"""Whether any of the molecules has a 3D structure."""
    return count_flat(molecules) < len(molecules)


def _has_structure(data: Data) -> bool:
    pos = data.get("pos")
    return pos is not None and bool(torch.isfinite(pos).all()) and bool(data.get("has_pos", True))


def _name(data: Data) -> str:
    smiles = data.get("smiles")
    if isinstance(smiles, str):
        return smiles
    parts = [data[key].tolist() for key in ("x", "edge_index", "edge_attr") if isinstance(data.get(key), Tensor)]
    return content_key(graph=parts)


def _are_sides(side: Tensor) -> bool:
    return side.dtype != torch.bool and bool(((side == -1) | (side == 0) | (side == 1)).all())


def _with(data: Data, name: str, value: Tensor) -> Data:
    data = copy.copy(data)
    data[name] = value
    return data


def _with_row(data: Data, number: int, width: int, sided: bool) -> Data:
    r"""The molecule with its targets, and their sides, as ``[1, T]``, whatever their shape was."""
    y = data.get("y")
    if not isinstance(y, Tensor) or y.numel() != width:
        shape = "none" if y is None else list(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise ValueError(f"molecule {number} must have {width} targets as the first has, `y` [1, {width}], got {shape}")
    data = copy.copy(data)
    data.y = y.reshape(1, -1).double()
    if sided:
        side = data.get("label_side")
        if not isinstance(side, Tensor) or side.numel() != width or not _are_sides(side):
            raise ValueError(
                f"molecule {number} must say which of its targets are bounds, as others do: `label_side` [1, {width}], "
                f"-1 where the value is below, 1 where it is above, else 0; got {side}"
            )
        data.label_side = side.reshape(1, -1).to(torch.int8)
    return data
