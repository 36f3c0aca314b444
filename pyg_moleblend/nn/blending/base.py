from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from pyg_moleblend.components import Component
from pyg_moleblend.nn.blending.blend import ALL, NONE, Blend, check_blend
from pyg_moleblend.utils import MODALITIES, DenseMolecules

ATOM_FEATURES = {"degree": "2d", "distance": "3d"}
r"""The atom features that are blended, and the modality of each, in the order that numbers them."""

PUBLISHED_RELATIONS = {"spd": 0.2, "bond_path": 0.2, "distance": 0.6}
PUBLISHED_ATOM_FEATURES = {"degree": 0.4, "distance": 0.6}
PUBLISHED_NOISE = 0.2


class Blending(Component, ABC):
    r"""Draws which relation enters for which pair of atoms (arXiv 2307.06235, section 3.2).

    A subclass says how in :meth:`draw`. What it draws is a :class:`~pyg_moleblend.nn.Blend`, which can be replayed.
    """

    @abstractmethod
    def draw(
        self, molecules: DenseMolecules, relations: Mapping[str, str], generator: torch.Generator | None = None
    ) -> Blend:
        r"""Draws a blend.

        Args:
            molecules: The batch.
            relations: The encoder's relations in their order, name to modality.
            generator: Source of randomness, on the molecules' device; PyTorch's own by default.
        """

    def check(self, relations: Mapping[str, str]) -> None:
        r"""Raises :class:`ValueError` unless the blending can draw from these relations, before anything is trained."""


def check_blending(blending: object, relations: Mapping[str, str]) -> None:
    r"""Raises :class:`ValueError` unless this is a blending that can draw from these relations."""
    if not isinstance(blending, Blending):
        raise ValueError(
            f"the blending must be a Blending, such as PairBlending({{name: probability}}), got {blending!r}"
        )
    blending.check(relations)


def drawn(
    blending: Blending,
    molecules: DenseMolecules,
    relations: Mapping[str, str],
    generator: torch.Generator | None = None,
) -> Blend:
    r"""What a blending draws.

    Raises:
        ValueError: If that is no blend of these molecules and relations.
    """
    blend = blending.draw(molecules, relations, generator)
    if not isinstance(blend, Blend):
        raise ValueError(f"{type(blending).__name__} must draw a Blend, got {type(blend).__name__}")
    check_blend(blend, molecules, len(relations))
    return blend


class Choice:
    r"""A choice among relations or features by name, for molecules that may lack some of them.

    Args:
        what: What the argument is called in errors.
        probabilities: Probability of each name: of a relation, or of ``"2d"``, ``"3d"`` and ``"2d+3d"``, which stand
            for all relations of that kind together.
        none: Probability that nothing enters.

    Raises:
        ValueError: If the probabilities are not non-negative numbers whose sum, with ``none``, is 1 (to 1e-6).
    """

    def __init__(self, what: str, probabilities: Mapping[str, float], none: float = 0.0) -> None:
        if not isinstance(probabilities, Mapping):
            raise ValueError(f"`{what}` must map names to probabilities, got {probabilities!r}")
        check_probabilities(what, [*probabilities.values(), none], f"{dict(probabilities)} and {none=}")
        self.what = what
        self.probabilities = dict(probabilities)
        self.none = none

    def check(self, relations: Mapping[str, str]) -> None:
        r"""Raises :class:`ValueError` if a name is neither a relation nor a modality."""
        if unknown := sorted(set(self.probabilities) - set(relations) - set(ALL)):
            raise ValueError(
                f"`{self.what}` names {unknown}, but the relations are {list(relations)}, or one of {list(ALL)}"
            )

    def draw(self, molecules: DenseMolecules, relations: Mapping[str, str], uniform: Tensor) -> Tensor:
        r"""Turns uniform numbers ``[B, M]`` from [0, 1) into choices ``[B, M]`` int64, as :class:`Blend` numbers them.

        A molecule that lacks what a name needs draws from the others, their probabilities renormalised, ``none`` among
        them; if nothing is left, the choice is none.
        """
        self.check(relations)
        numbers = {name: number for number, name in enumerate(relations)} | ALL
        names = list(self.probabilities)
        device = molecules.mask.device
        columns = [self._available(molecules, MODALITIES[relations.get(name, name)]) for name in names]
        columns.append(torch.ones_like(molecules.has_2d))
        available = torch.stack(columns, -1)  # [B, R + 1]
        weights = (
            torch.tensor([*self.probabilities.values(), self.none], dtype=torch.float64, device=device) * available
        )
        cumulative = weights.cumsum(-1)
        total = cumulative[:, -1:]
        drawn = (uniform[..., None] >= (cumulative / total)[:, None, :]).sum(-1)  # NaN where there is nothing to draw
        codes = torch.tensor([*(numbers[name] for name in names), NONE], device=device)
        return torch.where(total > 0, codes[drawn.clamp(max=len(names))], NONE)

    @staticmethod
    def _available(molecules: DenseMolecules, kinds: tuple[str, ...]) -> Tensor:
        has = [molecules.available(kind) for kind in kinds]
        return has[0] if len(has) == 1 else has[0] & has[1]


def check_probabilities(what: str, values: Sequence[float], said: str = "") -> None:
    r"""Raises :class:`ValueError` unless the numbers are non-negative and sum to 1 (to 1e-6)."""
    if not all(isinstance(p, (int, float)) and p >= 0 for p in values) or not abs(math.fsum(values) - 1) <= 1e-6:
        raise ValueError(f"`{what}` must be non-negative numbers that sum to 1, got {said or list(values)}")


def draw_noise(molecules: DenseMolecules, scale: float, generator: torch.Generator | None) -> Tensor:
    r"""Gaussian noise of the real atoms' coordinates, ``[B, N, 3]``, standard deviation ``scale`` in Å."""
    B, N = molecules.mask.shape
    noise = torch.randn(B, N, 3, generator=generator, device=molecules.mask.device) * scale
    return (noise * molecules.mask[..., None]).to(molecules.pos.dtype)


def check_noise(scale: float) -> float:
    r"""The scale, if it is one."""
    if not isinstance(scale, (int, float)) or not 0 <= scale < math.inf:
        raise ValueError(f"`noise_scale` must be at least 0 Å and finite, got {scale!r}")
    return scale
