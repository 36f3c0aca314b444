from __future__ import annotations

from collections.abc import Mapping

import torch

from pyg_moleblend.components import register
from pyg_moleblend.nn.blending.base import (
    PUBLISHED_NOISE,
    Blending,
    Choice,
    check_noise,
    check_probabilities,
    draw_noise,
)
from pyg_moleblend.nn.blending.blend import Blend
from pyg_moleblend.utils import DenseMolecules

_FEATURE = {"2d": 0, "3d": 1}


@register
class MoleculeBlending(Blending):
    r"""For each molecule one choice, for all its pairs and atoms: a relation alone, or all relations of a modality.

    ``MoleculeBlending({"2d+3d": 0.2, "2d": 0.2, "3d": 0.6})`` draws the mode of each molecule as Transformer-M does
    (arXiv 2210.01765, section 3). The atoms' degree and distance features go with relations of their modality.

    Args:
        probabilities: Probability of each relation by name, or of ``"2d"``, ``"3d"`` and ``"2d+3d"``, which stand for
            all relations of that kind together. A molecule that lacks one draws from the others.
        none: Probability that nothing enters but the atoms' own features. (default: :obj:`0.0`)
        noise_scale: Standard deviation of the noise of the coordinates, in Å. (default: :obj:`0.2`)

    Raises:
        ValueError: If probabilities do not sum to 1, or the noise is negative.
    """

    def __init__(
        self, probabilities: Mapping[str, float], none: float = 0.0, noise_scale: float = PUBLISHED_NOISE
    ) -> None:
        self.relations = Choice("probabilities", probabilities, none)
        self.noise_scale = check_noise(noise_scale)

    def check(self, relations: Mapping[str, str]) -> None:
        self.relations.check(relations)

    def draw(
        self, molecules: DenseMolecules, relations: Mapping[str, str], generator: torch.Generator | None = None
    ) -> Blend:
        B, N = molecules.mask.shape
        device = molecules.mask.device
        uniform = torch.rand((B, 1), generator=generator, device=device)
        chosen = self.relations.draw(molecules, relations, uniform)  # [B, 1]
        # Codes below 0 mean the same for features; a relation's number becomes that of its modality's feature.
        # An encoder that blends no relation of its own has codes alone; the 0 is there to be looked up, and not used.
        features = torch.tensor([_FEATURE[modality] for modality in relations.values()] or [0], device=device)
        feature = torch.where(chosen >= 0, features[chosen.clamp(min=0)], chosen)
        return Blend(
            relation=chosen[..., None].expand(B, N, N),
            atom_feature=feature.expand(B, N),
            pos_noise=draw_noise(molecules, self.noise_scale, generator),
        )


@register
class MixedBlending(Blending):
    r"""For each molecule one of several blendings is drawn, and then its pairs by that one.

    So an encoder can be trained on blended molecules and on whole ones, which it will see after pretraining.

    Args:
        blendings: The blendings.
        weights: Probability of each.

    Raises:
        ValueError: If there are not as many weights as blendings, or they do not sum to 1.
    """

    def __init__(self, blendings: list[Blending], weights: list[float]) -> None:
        if not blendings or len(blendings) != len(weights):
            raise ValueError(f"each blending needs a weight, got {len(blendings)} blendings and {len(weights)} weights")
        if wrong := [blending for blending in blendings if not isinstance(blending, Blending)]:
            raise ValueError(f"`blendings` must be Blendings, got {wrong[0]!r} among them")
        self.blendings = list(blendings)
        self.weights = list(weights)
        check_probabilities("weights", self.weights)

    def check(self, relations: Mapping[str, str]) -> None:
        for blending in self.blendings:
            blending.check(relations)

    def draw(
        self, molecules: DenseMolecules, relations: Mapping[str, str], generator: torch.Generator | None = None
    ) -> Blend:
        device = molecules.mask.device
        uniform = torch.rand(len(molecules.mask), generator=generator, device=device, dtype=torch.float64)
        bounds = torch.tensor(self.weights, dtype=torch.float64, device=device).cumsum(0)
        chosen = torch.bucketize(uniform, bounds[:-1], right=True)  # [B]
        blends = [blending.draw(molecules, relations, generator) for blending in self.blendings]
        parts = []
        for values in zip(*blends, strict=True):
            stacked = torch.stack([value.expand_as(values[0]) for value in values])  # [K, B, ...]
            parts.append(stacked[chosen, torch.arange(len(chosen), device=device)])
        return Blend(*parts)
