r"""The pretraining losses (arXiv 2307.06235, section 3.2), one pure function an objective.

Every loss is a mean over what is counted, and 0 where nothing is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.fields import SPD_UNREACHABLE
from pyg_moleblend.utils.internal_coordinates import bond_angles, torsions

_ALL = slice(None)
_MIN_TORSION_WEIGHT = 0.05


class Sums(NamedTuple):
    r"""A loss before its mean is taken, so that it can be summed over blocks of pairs.

    Attributes:
        total: Sum over what is counted, ``[G]`` (or a scalar): one entry for each group whose own mean is taken.
        weight: How much was counted, likewise.
    """

    total: Tensor
    weight: Tensor

    def __add__(self, other: Sums) -> Sums:  # type: ignore[override]
        return Sums(self.total + other.total, self.weight + other.weight)

    def mean(self) -> Tensor:
        r"""The mean over groups of each group's mean; groups in which nothing is counted are left out."""
        return masked_mean(self.total / self.weight.clamp(min=1), self.weight > 0)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    r"""Mean of the values where the mask is True, 0 if it is nowhere."""
    total = torch.where(mask, values, torch.zeros_like(values)).sum()
    return total / mask.sum().clamp(min=1)


def classification_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross entropy, the mean over entries whose target is not negative.

    Args:
        logits: ``[..., classes]``.
        target: ``[...]`` int64; negative entries are not counted.
    """
    return classification_sums(logits, target).mean()


def classification_sums(logits: Tensor, target: Tensor) -> Sums:
    r"""Sums of :func:`classification_loss`, scalars."""
    logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    total = F.cross_entropy(logits.flatten(0, -2), target.flatten().clamp(min=-1), ignore_index=-1, reduction="sum")
    return Sums(total, (target >= 0).sum())


def classification_losses(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross entropy of each entry, ``[...]``; 0 where the target is negative. Arguments as for
    :func:`classification_loss`."""
    logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    flat = F.cross_entropy(logits.flatten(0, -2), target.flatten().clamp(min=-1), ignore_index=-1, reduction="none")
    return flat.view(target.shape)


def spd_target(spd: Tensor, pair_mask: Tensor, num_classes: int) -> Tensor:
    r"""Class of each pair's shortest-path distance: 0 for 1 hop, the last one for ``num_classes`` hops and more.

    Args:
        spd: ``[B, N, N]`` uint8.
        pair_mask: True for pairs of real atoms, ``[B, N, N]``.
        num_classes: 11 in the published model.

    Returns:
        ``[B, N, N]`` int64; -1 for the atom itself, unreachable and padded pairs.
    """
    counted = pair_mask & (spd != 0) & (spd != SPD_UNREACHABLE)
    return torch.where(counted, spd.long().clamp(max=num_classes) - 1, -1)


def displacement_loss(prediction: Tensor, pos: Tensor, atoms: Tensor) -> Tensor:
    r"""One minus the cosine between predicted and true displacement of each ordered pair, the release's 3D loss.

    The mean is taken over a molecule's pairs of different atoms that do not coincide, then over molecules.

    Args:
        prediction: ``[B, N, N, 3]``; entry ``[i, j]`` is to point along ``pos[j] - pos[i]``.
        pos: Clean coordinates in Å, ``[B, N, 3]``.
        atoms: True for atoms whose coordinates are known, ``[B, N]``.
    """
    return displacement_sums(prediction, pos, atoms).mean()


def displacement_sums(prediction: Tensor, pos: Tensor, atoms: Tensor, rows: slice = _ALL) -> Sums:
    r"""Sums of :func:`displacement_loss` over the pairs of some first atoms, ``[B]``.

    Args:
        prediction: ``[B, n, N, 3]``, for the n atoms of ``rows``.
        pos: Clean coordinates in Å, ``[B, N, 3]``.
        atoms: True for atoms whose coordinates are known, ``[B, N]``.
        rows: The first atoms.
    """
    target = pos[:, None, :, :] - pos[:, rows, None, :]
    counted = pairs_of(atoms, rows) & (target != 0).any(-1)
    cosine = F.cosine_similarity(prediction.to(target.dtype), target, dim=-1)
    return sums_of_molecules(1 - cosine, counted)


def distance_loss(prediction: Tensor, pos: Tensor, atoms: Tensor) -> Tensor:
    r"""Absolute error of the predicted distance of each pair, in Å: the rotation-invariant 3D loss.

    The mean is taken over a molecule's pairs of different atoms, then over molecules.

    Args:
        prediction: ``[B, N, N]`` in Å.
        pos: Clean coordinates in Å, ``[B, N, 3]``.
        atoms: True for atoms whose coordinates are known, ``[B, N]``.
    """
    return distance_sums(prediction, pos, atoms).mean()


def distance_sums(prediction: Tensor, pos: Tensor, atoms: Tensor, rows: slice = _ALL) -> Sums:
    r"""Sums of :func:`distance_loss` over the pairs of some first atoms, ``[B]``; see :func:`displacement_sums`."""
    target = (pos[:, None, :, :] - pos[:, rows, None, :]).norm(dim=-1)
    return sums_of_molecules((prediction.to(target.dtype) - target).abs(), pairs_of(atoms, rows))


def angle_loss(prediction: Tensor, pos: Tensor, spd: Tensor, atoms: Tensor) -> Tensor:
    r"""Absolute error of the predicted bond angle of each pair of atoms two bonds apart, in radians.

    The mean is taken over a molecule's pairs that have an angle, then over molecules.

    Args:
        prediction: ``[B, N, N]`` in radians.
        pos: Clean coordinates in Å, ``[B, N, 3]``.
        spd: Shortest-path distances, ``[B, N, N]``.
        atoms: True for atoms whose coordinates are known, ``[B, N]``.
    """
    target, counted = angle_target(pos, spd, atoms)
    return sums_of_molecules(angle_errors(prediction, target), counted).mean()


def angle_target(pos: Tensor, spd: Tensor, atoms: Tensor) -> tuple[Tensor, Tensor]:
    r"""The angles that :func:`angle_loss` wants, in radians, ``[B, N, N]``, and the pairs that it counts, bool."""
    with torch.no_grad():  # the arc cosine has no derivative at 0 and π
        angles = bond_angles(pos, spd, atoms)
        return angles.cosine.clamp(-1, 1).arccos(), angles.defined


def angle_errors(prediction: Tensor, target: Tensor) -> Tensor:
    r"""What :func:`angle_loss` is the mean of."""
    return (prediction.to(target.dtype) - target).abs()


def torsion_loss(prediction: Tensor, pos: Tensor, spd: Tensor, atoms: Tensor) -> Tensor:
    r"""Half the squared distance between predicted and true (cos φ, sin φ) of each pair of atoms three bonds apart,
    φ being their dihedral angle: for a prediction of length 1 that is one minus the cosine of the difference.

    The mean is taken over a molecule's pairs that have a torsion, then over molecules. Not counted are those where
    three atoms lie on a line, to about three degrees.

    Args:
        prediction: ``[B, N, N, 2]``.
        pos: Clean coordinates in Å, ``[B, N, 3]``.
        spd: Shortest-path distances, ``[B, N, N]``.
        atoms: True for atoms whose coordinates are known, ``[B, N]``.
    """
    target, counted = torsion_target(pos, spd, atoms)
    return sums_of_molecules(torsion_errors(prediction, target), counted).mean()


def torsion_target(pos: Tensor, spd: Tensor, atoms: Tensor) -> tuple[Tensor, Tensor]:
    r"""The (cos φ, sin φ) that :func:`torsion_loss` wants, ``[B, N, N, 2]``, and the pairs that it counts, bool. Of
    several shortest paths the mean is taken, which is shorter than 1 where they differ."""
    with torch.no_grad():
        found = torsions(pos, spd, atoms, harmonics=1)
        weight = found.weight.clamp(min=_MIN_TORSION_WEIGHT)
        return found.vectors[..., 0, :] / weight[..., None], found.weight > _MIN_TORSION_WEIGHT


def torsion_errors(prediction: Tensor, target: Tensor) -> Tensor:
    r"""What :func:`torsion_loss` is the mean of."""
    return 0.5 * (prediction.to(target.dtype) - target).square().sum(-1)


def denoising_loss(prediction: Tensor, noise: Tensor, atoms: Tensor) -> Tensor:
    r"""One minus the cosine between predicted and added noise, the mean over the counted atoms.

    Args:
        prediction: ``[B, N, 3]``.
        noise: The noise that was added to the coordinates, ``[B, N, 3]``.
        atoms: True for atoms that count, ``[B, N]``.
    """
    return masked_mean(1 - F.cosine_similarity(prediction.to(noise.dtype), noise, dim=-1), atoms)


def pairs_of(atoms: Tensor, rows: slice = _ALL) -> Tensor:
    r"""Pairs of different atoms, both among ``atoms`` ``[B, N]``, the first among ``rows``: ``[B, n, N]`` bool."""
    different = ~torch.eye(atoms.size(1), dtype=torch.bool, device=atoms.device)
    return atoms[:, rows, None] & atoms[:, None, :] & different[rows]


def sums_of_molecules(values: Tensor, counted: Tensor) -> Sums:
    r"""Sums over each molecule's counted pairs, ``[B]``.

    Args:
        values: ``[B, n, N]``.
        counted: True for pairs that count, ``[B, n, N]``.
    """
    return Sums(torch.where(counted, values, torch.zeros_like(values)).sum((1, 2)), counted.sum((1, 2)))
