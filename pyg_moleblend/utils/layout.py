from __future__ import annotations

import torch
from torch import Tensor

from pyg_moleblend.fields import MAX_PATH_LENGTH, BondVocabulary, bond_class
from pyg_moleblend.utils.dense import scatter_atoms
from pyg_moleblend.utils.paths import bond_paths, dense_bonds, shortest_paths


def dense_coordinates(pos: Tensor | None, mask: Tensor, has_pos: Tensor | bool | None = None) -> tuple[Tensor, Tensor]:
    r"""Coordinates of a batch, and the molecules that have them.

    Args:
        pos: ``[ΣN, 3]`` in Å; a molecule with any row that is not finite has no coordinates.
        mask: True for real atoms, ``[B, N]``.
        has_pos: False for molecules whose coordinates are not to be used, ``[B]``.

    Returns:
        ``[B, N, 3]``, 0 where padded or unknown, and ``[B]`` bool.

    Raises:
        ValueError: If ``pos`` has another shape.
    """
    if pos is None:
        dtype = torch.get_default_dtype()
        zeros = torch.zeros(*mask.shape, 3, dtype=dtype, device=mask.device)
        return zeros, torch.zeros_like(mask[:, 0])
    if pos.shape != (int(mask.sum()), 3):
        raise ValueError(f"`pos` must have shape [{int(mask.sum())}, 3], got {list(pos.shape)}")
    dense = scatter_atoms(pos if pos.dtype == torch.float64 else pos.float(), mask)
    known = torch.isfinite(dense).flatten(1).all(1)
    if has_pos is not None:
        wanted = torch.as_tensor(has_pos, device=mask.device).view(-1).bool()
        if wanted.numel() != mask.size(0):
            raise ValueError(f"`has_pos` must be one bool a molecule, [{mask.size(0)}], got {wanted.numel()}")
        known = known & wanted
    return torch.where(known[:, None, None], dense, torch.zeros_like(dense)), known


def dense_relations(
    edge_index: Tensor,
    edge_attr: Tensor | None,
    mask: Tensor,
    batch: Tensor | None = None,
    max_path_length: int = MAX_PATH_LENGTH,
    bond_vocabulary: BondVocabulary = "ogb",
) -> dict[str, Tensor]:
    r"""The 2D relations of a batch, computed on its device.

    Args:
        edge_index: ``[2, ΣE]``.
        edge_attr: OGB's bond features, ``[ΣE, 3]``, or categories; without them all bonds are of the first class.
        mask: True for real atoms, ``[B, N]``.
        batch: Molecule of each atom, ``[ΣN]``; ``None`` is one molecule.
        max_path_length: P.
        bond_vocabulary: What ``edge_attr`` holds.

    Returns:
        ``spd`` ``[B, N, N]`` and ``bond_path`` ``[B, N, N, P]``, both uint8 and 0 where padded.
    """
    if edge_attr is None:
        classes = torch.ones_like(edge_index[0], dtype=torch.uint8)
    else:
        classes = bond_class(edge_attr, bond_vocabulary)
    bonds = dense_bonds(edge_index, classes, batch, mask.sum(1), mask.size(1))
    paths = shortest_paths(bonds)
    real = mask[:, :, None] & mask[:, None, :]
    return {"spd": paths.spd * real, "bond_path": bond_paths(bonds, paths.first_hop, max_path_length)}
