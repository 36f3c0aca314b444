from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from pyg_moleblend.components import arguments_with, register
from pyg_moleblend.nn.blending.base import (
    ATOM_FEATURES,
    PUBLISHED_ATOM_FEATURES,
    PUBLISHED_NOISE,
    PUBLISHED_RELATIONS,
    Blending,
    Choice,
    check_noise,
    draw_noise,
)
from pyg_moleblend.nn.blending.blend import Blend
from pyg_moleblend.utils import DenseMolecules


@register
class PairBlending(Blending):
    r"""For every ordered pair of atoms of every molecule one relation is drawn, the paper's blending (arXiv 2307.06235,
    section 3.2).

    With a probability of ``none`` some pairs are masked: mask-then-predict is ``PairBlending({"spd": 0.5}, none=0.5)``.
    A relation that is not named never enters. A molecule without coordinates draws from the 2D relations only, their
    probabilities renormalised.

    Args:
        probabilities: Probability of each relation by name; ``"2d"``, ``"3d"`` and ``"2d+3d"`` stand for all relations
            of that kind together. By default they are the paper's, of what ``none`` leaves.
        none: Probability that no relation enters. (default: :obj:`0.0`)
        atom_features: Probabilities with which the ``"degree"`` or the ``"distance"`` feature enters for an atom.
            (default: :obj:`{"degree": 0.4, "distance": 0.6}`)
        noise_scale: Standard deviation of the noise of the coordinates, in Å. (default: :obj:`0.2`)

    Raises:
        ValueError: If probabilities do not sum to 1, or the noise is negative.
    """

    shared: bool = False

    def __init__(
        self,
        probabilities: Mapping[str, float] | None = None,
        none: float = 0.0,
        atom_features: Mapping[str, float] = PUBLISHED_ATOM_FEATURES,
        noise_scale: float = PUBLISHED_NOISE,
    ) -> None:
        if probabilities is None:
            probabilities = {name: (1 - none) * value for name, value in PUBLISHED_RELATIONS.items()}
        self.probabilities = dict(probabilities)
        self.relations = Choice("probabilities", probabilities, none)
        self.features = Choice("atom_features", atom_features)
        self.features.check(ATOM_FEATURES)
        self.noise_scale = check_noise(noise_scale)

    def component_arguments(self) -> dict[str, Any]:
        return arguments_with(self, probabilities=self.probabilities)

    def check(self, relations: Mapping[str, str]) -> None:
        self.relations.check(relations)

    def draw(
        self, molecules: DenseMolecules, relations: Mapping[str, str], generator: torch.Generator | None = None
    ) -> Blend:
        B, N = molecules.mask.shape
        device = molecules.mask.device
        pairs = torch.rand((1 if self.shared else B, N * N), generator=generator, device=device).expand(B, -1)
        noise = draw_noise(molecules, self.noise_scale, generator)
        atoms = torch.rand((B, N), generator=generator, device=device)
        return Blend(
            relation=self.relations.draw(molecules, relations, pairs).view(B, N, N),
            atom_feature=self.features.draw(molecules, ATOM_FEATURES, atoms),
            pos_noise=noise,
        )


@register
class BatchBlending(PairBlending):
    r"""One choice of relations for all molecules of a batch, pair by pair: the blending of the authors' release.

    The arguments are those of :class:`PairBlending`.
    """

    shared = True
