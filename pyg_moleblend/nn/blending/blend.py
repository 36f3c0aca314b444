from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from pyg_moleblend.utils import DenseMolecules

BlendScope = Literal["molecule", "batch"]


class Blend(NamedTuple):
    r"""One draw of blend-then-predict, a value that can be replayed (arXiv 2307.06235, section 3.2).

    Attributes:
        relation: Number of the relation that enters for each ordered pair, ``[B, N, N]`` int64
            (0 spd, 1 bond path, 2 distance, then those that were added; -1 none).
        atom_feature: Feature that enters for each atom, ``[B, N]`` int64 (0 degree, 1 distance, -1 none).
        pos_noise: Noise that is added to the coordinates, in Å, ``[B, N, 3]``.
    """

    relation: Tensor
    atom_feature: Tensor
    pos_noise: Tensor


def check_probabilities(name: str, probabilities: Sequence[float]) -> None:
    r"""Raises :class:`ValueError` unless the numbers are a point of the simplex (to 1e-6)."""
    if not all(p >= 0 for p in probabilities) or not abs(sum(probabilities) - 1) <= 1e-6:  # NaN is neither
        raise ValueError(
            f"`{name}` must be non-negative numbers that sum to 1, got {tuple(probabilities)} "
            f"with sum {sum(probabilities):.6g}"
        )


def check_blend(blend: Blend, molecules: DenseMolecules, num_relations: int) -> None:
    r"""Raises :class:`ValueError` unless a blend has the shapes of the molecules and chooses what there is."""
    B, N = molecules.mask.shape
    shapes = {"relation": (B, N, N), "atom_feature": (B, N), "pos_noise": (B, N, 3)}
    for name, shape in shapes.items():
        if getattr(blend, name).shape != shape:
            raise ValueError(
                f"the blend's `{name}` must have shape {list(shape)}, N = {N} being the largest molecule of the batch, "
                f"got {list(getattr(blend, name).shape)}"
            )
    for name, limit in (("relation", num_relations), ("atom_feature", 2)):
        chosen = getattr(blend, name)
        if bool(((chosen < -1) | (chosen >= limit)).any()):
            raise ValueError(f"the blend's `{name}` must choose from 0 to {limit - 1}, or -1 for none")


def draw_blend(
    molecules: DenseMolecules,
    modalities: Sequence[str],
    relation_probabilities: Sequence[float],
    atom_feature_probabilities: Sequence[float],
    noise_scale: float,
    scope: BlendScope = "molecule",
    generator: torch.Generator | None = None,
) -> Blend:
    r"""Draws which relation enters for each pair, which feature for each atom, and the coordinates' noise.

    A molecule without one of the modalities draws from the other's relations only, their probabilities
    renormalised. If none of those has any probability, nothing enters: the draw is -1.

    Args:
        molecules: The batch.
        modalities: ``"2d"`` or ``"3d"`` for each relation.
        relation_probabilities: Probability of each relation; they sum to 1.
        atom_feature_probabilities: Probabilities of the degree and of the distance feature; they sum to 1.
        noise_scale: Standard deviation of the noise in Å.
        scope: ``"molecule"`` draws anew for each molecule, ``"batch"`` one choice of relations for all molecules.
        generator: Source of randomness, on the molecules' device.
    """
    check_probabilities("relation_probabilities", relation_probabilities)
    check_probabilities("atom_feature_probabilities", atom_feature_probabilities)
    if len(relation_probabilities) != len(modalities):
        raise ValueError(
            f"`relation_probabilities` must have one entry for each of the {len(modalities)} relations, "
            f"got {tuple(relation_probabilities)}"
        )
    if len(atom_feature_probabilities) != 2:
        raise ValueError(
            "`atom_feature_probabilities` must be those of the degree and of the distance feature, "
            f"got {tuple(atom_feature_probabilities)}"
        )
    B, N = molecules.mask.shape
    device = molecules.mask.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=device)

    relations = torch.stack([molecules.available(modality) for modality in modalities], -1)  # [B, R]
    features = torch.stack([molecules.has_2d, molecules.has_3d], -1)  # [B, 2]
    pairs = uniform(1 if scope == "batch" else B, N * N).expand(B, -1)
    noise = torch.randn(B, N, 3, generator=generator, device=device) * noise_scale
    return Blend(
        relation=_choose(relation_probabilities, relations, pairs).view(B, N, N),
        atom_feature=_choose(atom_feature_probabilities, features, uniform(B, N)),
        pos_noise=(noise * molecules.mask[..., None]).to(molecules.pos.dtype),
    )


def _choose(probabilities: Sequence[float], available: Tensor, uniform: Tensor) -> Tensor:
    r"""Inverse of the cumulative distribution: ``available`` ``[B, R]``, ``uniform`` ``[B, M]`` to ``[B, M]``."""
    weights = torch.tensor(probabilities, dtype=torch.float64, device=available.device) * available
    cumulative = weights.cumsum(-1)
    total = cumulative[:, -1:]
    drawn = (uniform[..., None] >= (cumulative / total)[:, None, :]).sum(-1)
    return torch.where(total > 0, drawn, -1)


def constant_blend(molecules: DenseMolecules, relation: int, atom_feature: int) -> Blend:
    r"""The blend in which one relation and one atom feature enter everywhere and nothing is noisy."""
    B, N = molecules.mask.shape
    full = molecules.mask.new_full
    return Blend(
        relation=full((B, N, N), relation, dtype=torch.long),
        atom_feature=full((B, N), atom_feature, dtype=torch.long),
        pos_noise=torch.zeros_like(molecules.pos),
    )
