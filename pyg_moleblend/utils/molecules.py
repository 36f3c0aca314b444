from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.fields import ATOM_FEATURE_SIZES, MAX_PATH_LENGTH, PAIR_FIELDS
from pyg_moleblend.utils.dense import atom_mask, check_pair_count, num_atoms, scatter_atoms, scatter_pairs
from pyg_moleblend.utils.layout import dense_coordinates, dense_relations

Modality = Literal["2d", "3d", "2d+3d"]


class DenseMolecules(NamedTuple):
    r"""A batch of molecules as dense, padded tensors: what the compiled core of every model takes.

    Attributes:
        x: OGB atom features, ``[B, N, 9]`` int64, 0 where padded.
        mask: True for real atoms, ``[B, N]``.
        degree: Bonds that end at each atom, ``[B, N]`` int64.
        pos: Coordinates in Å, ``[B, N, 3]``, 0 where padded or unknown.
        has_2d: The molecule's 2D relations are to be used, ``[B]`` bool.
        has_3d: The molecule's coordinates are known and to be used, ``[B]`` bool.
        pairs: Pair fields by name, each ``[B, N, N, ...]``.
    """

    x: Tensor
    mask: Tensor
    degree: Tensor
    pos: Tensor
    has_2d: Tensor
    has_3d: Tensor
    pairs: dict[str, Tensor]

    @property
    def pair_mask(self) -> Tensor:
        r"""True for pairs of real atoms, ``[B, N, N]``."""
        return self.mask[:, :, None] & self.mask[:, None, :]

    def available(self, modality: str) -> Tensor:
        r"""Molecules that have the modality ``"2d"`` or ``"3d"``, ``[B]`` bool."""
        return {"2d": self.has_2d, "3d": self.has_3d}[modality]

    def with_pair(self, name: str, values: Tensor) -> DenseMolecules:
        r"""The same molecules with one more pair field."""
        return self._replace(pairs={**self.pairs, name: values})


def pack(
    batch: Data | DenseMolecules,
    pair_fields: Iterable[str] = ("spd", "bond_path"),
    max_path_length: int = MAX_PATH_LENGTH,
    modality: Modality = "2d+3d",
) -> DenseMolecules:
    r"""Lays out a PyG batch as dense tensors, on the batch's device.

    Pair fields that the batch holds are unpacked; ``spd`` and ``bond_path`` are computed from
    ``edge_index`` and ``edge_attr`` when it does not. Molecules are 2D only when any of their coordinates is
    NaN or their ``has_pos`` is False.

    Args:
        batch: A ``Batch`` of molecules or one ``Data``; molecules that are packed already only change modality.
        pair_fields: Names of the pair fields that are wanted.
        max_path_length: P, the hops of ``bond_path``.
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).

    Raises:
        ValueError: If a field is missing or misshapen, atom features are outside OGB's vocabulary, or
            ``modality="3d"`` is asked of a molecule without coordinates.
    """
    if modality not in ("2d", "3d", "2d+3d"):
        raise ValueError(f"`modality` must be '2d', '3d' or '2d+3d', got {modality!r}")
    if isinstance(batch, DenseMolecules):
        return _restrict(batch, modality)

    x, index = batch.x, getattr(batch, "batch", None)
    if x is None or x.dim() != 2 or x.size(1) != len(ATOM_FEATURE_SIZES):
        shape = None if x is None else list(x.shape)
        raise ValueError(f"`x` must hold OGB's {len(ATOM_FEATURE_SIZES)} atom features a row, got shape {shape}")
    if x.is_floating_point():
        raise ValueError(f"`x` must hold integers, OGB's atom features, got {x.dtype}")
    sizes = torch.tensor(ATOM_FEATURE_SIZES, device=x.device)
    if bool(((x < 0) | (x >= sizes)).any()):
        raise ValueError(
            f"atom features lie outside OGB's vocabulary (sizes {ATOM_FEATURE_SIZES}): largest values "
            f"{x.amax(0).tolist()}; convert PyG's own features with pyg_moleblend.chem.pyg_to_ogb_features"
        )
    batch_size = getattr(batch, "num_graphs", None) if index is not None else None
    counts = num_atoms(index, x.size(0), batch_size, x.device)
    if not bool(counts.all()):
        rows = (counts == 0).nonzero().flatten().tolist()
        raise ValueError(f"molecules {rows[:8]} of the batch have no atoms; leave them out (a SMILES that failed?)")
    mask = atom_mask(counts)
    B, N = mask.shape

    degree = torch.zeros(x.size(0), dtype=torch.long, device=x.device)
    if batch.edge_index is not None:
        ends = batch.edge_index[1].long()
        degree = degree.scatter_add(0, ends, torch.ones_like(ends))
    pos, has_3d = dense_coordinates(getattr(batch, "pos", None), mask, getattr(batch, "has_pos", None))
    wanted = set(pair_fields)
    pairs = {name: _unpack(batch, name, mask, counts, max_path_length) for name in wanted if name in batch}
    missing = wanted - pairs.keys()
    if unknown := missing - set(PAIR_FIELDS):
        raise ValueError(f"the batch has no pair field {sorted(unknown)}; attach it to each `Data` by a transform")
    if missing and batch.edge_index is not None:
        if "bond_path" in missing and batch.edge_attr is None:
            raise ValueError("`bond_path` needs `edge_attr` (OGB's 3 bond features); give it or the pair field")
        derived = dense_relations(batch.edge_index, batch.edge_attr, mask, index, max_path_length)
        pairs.update({name: derived[name] for name in missing})
    elif missing and modality == "3d":  # a point cloud: there is no bond to look at or to recover
        shapes = {"spd": (B, N, N), "bond_path": (B, N, N, max_path_length)}
        pairs.update({name: mask.new_zeros(shapes[name], dtype=torch.uint8) for name in missing})
    elif missing:
        raise ValueError("2D relations need `edge_index`; give it, or use the molecules with modality='3d'")
    molecules = DenseMolecules(
        x=scatter_atoms(x.long(), mask),
        mask=mask,
        degree=scatter_atoms(degree, mask),
        pos=pos,
        has_2d=torch.ones(B, dtype=torch.bool, device=x.device),
        has_3d=has_3d,
        pairs=pairs,
    )
    return _restrict(molecules, modality)


def _restrict(molecules: DenseMolecules, modality: Modality) -> DenseMolecules:
    if modality == "2d":
        return molecules._replace(has_3d=torch.zeros_like(molecules.has_3d))
    if modality == "3d":
        if not bool(molecules.has_3d.all()):
            rows = (~molecules.has_3d).nonzero().flatten().tolist()
            raise ValueError(f"modality='3d' needs coordinates, but molecules {rows[:8]} of the batch have none")
        return molecules._replace(has_2d=torch.zeros_like(molecules.has_2d))
    return molecules


def _unpack(batch: Data, name: str, mask: Tensor, counts: Tensor, max_path_length: int) -> Tensor:
    values = batch[name]
    check_pair_count(name, values, counts)
    if name == "bond_path":
        if values.dim() != 2:
            raise ValueError(f"`bond_path` must have shape [ΣN², P], got {list(values.shape)}")
        if values.size(1) < max_path_length:
            raise ValueError(
                f"`bond_path` holds {values.size(1)} hops, the model wants {max_path_length}; attach it anew with "
                f"transforms.AddRelations(max_path_length={max_path_length})"
            )
        values = values[:, :max_path_length]
    return scatter_pairs(values, mask)
