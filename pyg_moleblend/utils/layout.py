from __future__ import annotations

import torch
from torch import Tensor

from pyg_moleblend.fields import MAX_PATH_LENGTH, BondVocabulary, bond_class, bond_class_unchecked
from pyg_moleblend.utils.dense import require, scatter_atoms
from pyg_moleblend.utils.paths import bond_paths, dense_bonds, shortest_paths


def dense_coordinates(
    pos: Tensor | None, mask: Tensor, num_atoms: int, has_pos: Tensor | bool | None = None
) -> tuple[Tensor, Tensor]:
    r"""Coordinates of a batch, and the molecules that have them.

    Args:
        pos: ``[ΣN, 3]`` in Å; a molecule with any row that is not finite has no coordinates.
        mask: True for real atoms, ``[B, N]``.
        num_atoms: ΣN.
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
    if pos.shape != (num_atoms, 3):
        raise ValueError(f"`pos` must have shape [{num_atoms}, 3], got {list(pos.shape)}")
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

    Raises:
        ValueError: If a feature is outside the vocabulary, a bond leads to an atom that is not of its molecule, or a
            bond is given twice with different features.
    """
    relations, valid = _relations_and_validity(edge_index, edge_attr, mask, batch, max_path_length, bond_vocabulary)
    if torch.compiler.is_compiling():
        require(valid, "bonds or their features are not valid; without compilation the error says which")
    elif not bool(valid):
        _raise_for_edges(edge_index, batch, mask)
        if edge_attr is not None:
            bond_class(edge_attr, bond_vocabulary)
        raise_for_conflicts()
    return relations


def _relations_and_validity(
    edge_index: Tensor,
    edge_attr: Tensor | None,
    mask: Tensor,
    batch: Tensor | None,
    max_path_length: int,
    bond_vocabulary: BondVocabulary,
) -> tuple[dict[str, Tensor], Tensor]:
    if edge_attr is None:
        classes, valid = torch.ones_like(edge_index[0], dtype=torch.uint8), mask.new_ones(())
    else:
        classes, valid = bond_class_unchecked(edge_attr, bond_vocabulary)
    counts = mask.sum(1)
    molecule, source, target, inside = _local_ends(edge_index, batch, counts, mask)
    bonds = dense_bonds(edge_index * inside, classes * inside, batch, counts, mask.size(1))
    kept = bonds[molecule, source, target]
    valid = valid & inside.all() & ((kept == classes) | (source == target)).all()
    spd, first_hop = shortest_paths(bonds)
    real = mask[:, :, None] & mask[:, None, :]
    return {"spd": spd * real, "bond_path": bond_paths(bonds, first_hop, max_path_length)}, valid


def _local_ends(
    edge_index: Tensor, batch: Tensor | None, counts: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""Molecule of each bond, where it begins and ends in it (0 where that is outside), and whether it is inside."""
    total = mask.size(1) if batch is None else batch.numel()
    ends = edge_index.long().clamp(0, max(total - 1, 0))
    molecule = torch.zeros_like(ends[0]) if batch is None else batch[ends[0]]
    local = ends - (counts.cumsum(0) - counts)[molecule]
    inside = (ends == edge_index).all(0) & ((local >= 0) & (local < counts[molecule])).all(0)
    source, target = local * inside
    return molecule, source, target, inside


def _raise_for_edges(edge_index: Tensor, batch: Tensor | None, mask: Tensor) -> None:
    *_, inside = _local_ends(edge_index, batch, mask.sum(1), mask)
    if not bool(inside.all()):
        raise ValueError(
            f"bonds lead to atoms that are not of their molecule, {edge_index[:, ~inside][:, :4].T.tolist()} among them"
        )


def raise_for_conflicts() -> None:
    r"""Raises :class:`ValueError` for a bond that is given twice."""
    raise ValueError(
        "a bond is given twice with different features; keep one of them, by "
        "transforms.RemoveDuplicatedEdges(key=['edge_attr'], reduce='max') say"
    )
