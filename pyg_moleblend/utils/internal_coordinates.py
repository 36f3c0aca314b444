r"""Bond angles and torsions of all atom pairs that have one, on any device and without a list of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

MAX_NEIGHBOURS: int = 4
r"""Bonds that an atom in the middle of a torsion may have. An atom with more (the sulfur of SF5, a metal) is the middle
of none."""

_COINCIDE = 1e-6  # Å
_TINY = 1e-12


class BondAngles(NamedTuple):
    r"""Angles between atoms two bonds apart.

    Attributes:
        cosine: Cosine of the angle at the atom between them, ``[B, N, N]``; the mean over these atoms where there are
            several, as across a ring of four. 0 where there is no angle.
        defined: Pairs that have an angle, ``[B, N, N]`` bool.
    """

    cosine: Tensor
    defined: Tensor


class Torsions(NamedTuple):
    r"""Dihedral angles φ between atoms three bonds apart, as periodic numbers.

    The path i-j-k-l counts with the weight sin(i-j-k) · sin(j-k-l), which goes to 0 where three atoms come to lie on a
    line and φ loses its meaning. So everything here is finite, and so are its derivatives.

    Attributes:
        vectors: Weight times (cos mφ, sin mφ) for m = 1, 2, ... M, the mean over the shortest paths,
            ``[B, N, N, M, 2]``; 0 where there is no torsion.
        weight: The mean of the weights, ``[B, N, N]``: ``vectors / weight`` is the weighted mean of the cosines and
            sines.
        defined: Pairs that have a torsion, ``[B, N, N]`` bool.
    """

    vectors: Tensor
    weight: Tensor
    defined: Tensor


def bond_angles(pos: Tensor, spd: Tensor, mask: Tensor) -> BondAngles:
    r"""The angle of each pair of atoms that are two bonds apart.

    The sum over the atoms between is a matrix product, so nothing of size N³ exists.

    Args:
        pos: Coordinates in Å, ``[B, N, 3]``.
        spd: Shortest-path distances, ``[B, N, N]``.
        mask: True for real atoms, ``[B, N]``.
    """
    pairs = mask[:, :, None] & mask[:, None, :]
    offset = pos[:, None] - pos[:, :, None]  # [B, N, N, 3], from the first atom to the second
    direction, apart = _normalized(offset, _COINCIDE)
    bonded = (spd == 1) & pairs & apart
    direction = (direction * bonded[..., None]).transpose(2, 3).flatten(1, 2)  # [B, N * 3, N], around the first atom
    bonds = bonded.to(pos.dtype)
    with torch.autocast(pos.device.type, enabled=False):
        total, count = direction.mT @ direction, bonds.mT @ bonds
    defined = (spd == 2) & pairs & (count > 0)
    return BondAngles(torch.where(defined, total / count.clamp(min=1), 0), defined)


def torsions(pos: Tensor, spd: Tensor, mask: Tensor, harmonics: int) -> Torsions:
    r"""The torsion of each pair of atoms that are three bonds apart.

    Seen along the bond in the middle, φ is positive where the far end is turned clockwise from the near one (IUPAC's
    sign). A mirror image has the opposite φ; the order in which a path is read does not matter.

    Args:
        pos: Coordinates in Å, ``[B, N, 3]``.
        spd: Shortest-path distances, ``[B, N, N]``.
        mask: True for real atoms, ``[B, N]``.
        harmonics: M.
    """
    B, N = mask.shape
    D = MAX_NEIGHBOURS
    bonded = (spd == 1) & mask[:, :, None] & mask[:, None, :]
    neighbour, exists = _neighbours(bonded, D)  # [B, N, D], of each atom j
    around, apart = _normalized(_of_atoms(pos, neighbour) - pos[:, :, None], _COINCIDE)  # [B, N, D, 3], unit vectors
    exists = exists & apart

    # Bond from j to its neighbour k, [B, N, D]; near ends are neighbours of j, far ends are neighbours of k.
    far_atom = _of_atoms(neighbour, neighbour)  # [B, N, D, D]
    this = torch.arange(N, device=pos.device)[:, None, None]
    far = _of_atoms(exists, neighbour) & (far_atom != this) & exists[..., None]
    near = exists[:, :, None] & ~torch.eye(D, dtype=torch.bool, device=pos.device)  # [B, N, D, D]
    axis = around[:, :, :, None]  # [B, N, D, 1, 3]
    near_unit, near_sine = _across(around[:, :, None], axis, near)  # [B, N, D, D, 3], [B, N, D, D]
    far_unit, far_sine = _across(_of_atoms(around, neighbour), axis, far)
    turned = torch.linalg.cross(axis.expand_as(near_unit), near_unit)
    with torch.autocast(pos.device.type, enabled=False):
        cosine, sine = near_unit @ far_unit.mT, turned @ far_unit.mT  # [B, N, D, D near, D far]

    place = neighbour[:, :, None, :, None] * N + far_atom[..., None, :]  # of the pair (i, l)
    place = place.flatten(1)  # [B, N * D³]
    is_path = (near[..., None] & far[..., None, :]).flatten(1) & (spd == 3).flatten(1).gather(1, place)
    weight = is_path * (near_sine[..., None] * far_sine[..., None, :]).flatten(1)
    cosine, sine = cosine.flatten(1), sine.flatten(1)
    columns, real, imaginary = [is_path.to(pos.dtype), weight], weight, torch.zeros_like(weight)
    for _ in range(harmonics):  # the m-th power of (cosine + i sine)
        real, imaginary = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        columns += [real, imaginary]
    empty = pos.new_zeros(B, N * N)
    sums = torch.stack([empty.scatter_add(1, place, column) for column in columns], dim=-1).view(B, N, N, -1)
    count = sums[..., 0]
    means = sums[..., 1:] / count.clamp(min=1)[..., None]
    return Torsions(means[..., 1:].unflatten(-1, (harmonics, 2)), means[..., 0], count > 0)


def _normalized(vectors: Tensor, shortest: float) -> tuple[Tensor, Tensor]:
    r"""Vectors of length 1, and whether they were longer than `shortest`: else they are 0, without gradient."""
    squared = vectors.square().sum(-1)
    long = squared > shortest**2
    length = torch.where(long, squared, 1).sqrt()
    return torch.where(long[..., None], vectors / length[..., None], 0), long


def _across(direction: Tensor, axis: Tensor, exists: Tensor) -> tuple[Tensor, Tensor]:
    r"""Unit vector of the part of a direction that is perpendicular to the axis, and that part's length, the sine."""
    part = direction - (direction * axis).sum(-1, keepdim=True) * axis
    unit, _ = _normalized(torch.where(exists[..., None], part, 0), _TINY**0.5)
    return unit, (part * unit).sum(-1)


def _neighbours(bonded: Tensor, slots: int) -> tuple[Tensor, Tensor]:
    r"""Neighbours of each atom, ``[B, N, D]`` int64, and which of them exist; none where there are more than D."""
    B, N, _ = bonded.shape
    slot = bonded.cumsum(2)  # from 1
    few = slot[..., -1:] <= slots
    atom = torch.arange(N, device=bonded.device).expand(B, N, N)
    # Slot 0 takes what is no neighbour.
    table = torch.zeros(B, N, slots + 1, dtype=torch.long, device=bonded.device)
    table = table.scatter(2, torch.where(bonded & few, slot, 0), atom)[..., 1:]
    return table, (torch.arange(slots, device=bonded.device) < slot[..., -1:]) & few


def _of_atoms(values: Tensor, atoms: Tensor) -> Tensor:
    r"""Values ``[B, N, ...]`` of the atoms ``[B, N, D]``, ``[B, N, D, ...]``."""
    rest = values.shape[2:]
    index = atoms.flatten(1).view(atoms.size(0), -1, *[1] * len(rest)).expand(-1, -1, *rest)
    return values.gather(1, index).view(*atoms.shape, *rest)
