from __future__ import annotations

from collections.abc import Mapping
from types import MethodType, NoneType
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from pyg_moleblend.components import Component, arguments_with, register
from pyg_moleblend.fields import BondVocabulary
from pyg_moleblend.models.config import MoleBlendConfig, check_encoder, check_paths
from pyg_moleblend.models.moleblend import MoleBlend, pack_for
from pyg_moleblend.models.pretraining_output import PretrainingOutput, PretrainingStep
from pyg_moleblend.models.wanted import Wanted, wanted_by
from pyg_moleblend.nn import (
    Blend,
    Blending,
    BondPathRecovery,
    Denoising,
    DisplacementRecovery,
    FixedWeights,
    LossWeighting,
    Objective,
    Outcome,
    PairBlending,
    RecoveryState,
    SPDRecovery,
    check_blend,
)
from pyg_moleblend.nn.attention_bias import shut_padded_keys
from pyg_moleblend.nn.blending.base import check_blending, drawn
from pyg_moleblend.nn.checks import check_built_for, named_parts
from pyg_moleblend.nn.objectives.base import checked_outcome
from pyg_moleblend.nn.reset import reset_children
from pyg_moleblend.utils import DenseMolecules, Modality

PUBLISHED_LOSS_WEIGHTS = {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "distance": 0.5, "denoising": 6.0}
r"""Weights of the authors' release; the distance takes the place of the displacement. Other objectives have 1."""


def default_objectives(config: MoleBlendConfig, bond_vocabulary: BondVocabulary | None = "ogb") -> dict[str, Objective]:
    r"""The objectives of the paper; leave one out, or add your own entry (arXiv 2307.06235, section 3.2).

    Args:
        config: The encoder's shape.
        bond_vocabulary: What tells bonds apart, as in :func:`~pyg_moleblend.models.default_relations`; with ``None``
            there are no bond paths to recover.
    """
    objectives: dict[str, Objective] = {"spd": SPDRecovery(config.channels)}
    if bond_vocabulary is not None:
        objectives["bond_path"] = BondPathRecovery(config.channels, config.max_path_length, bond_vocabulary)
    objectives["displacement"] = DisplacementRecovery(config.channels)
    objectives["denoising"] = Denoising(config.channels, config.heads, config.attention_dropout)
    return objectives


@register
class MoleBlendForPretraining(Component, nn.Module):
    r"""Blend-then-predict (arXiv 2307.06235, section 3.2): for every pair of atoms one relation is drawn to enter
    the encoder, and all relations are predicted back from the final states.

    Args:
        config: The encoder's shape.
        encoder: The encoder; a :class:`MoleBlend` with the relations of the paper by default. It has
            ``encode(molecules, blend)``, and says in ``modalities`` which relations it blends.
        objectives: What is predicted, by name; those of :func:`default_objectives` by default.
        blending: How relations are drawn; the paper's by default.
        loss_weights: Weight of each objective by name, or a :class:`~pyg_moleblend.nn.LossWeighting`; an objective
            without a weight has the one of :data:`PUBLISHED_LOSS_WEIGHTS`, or 1. (default: :obj:`None`)

    Raises:
        ValueError: If a weight is of no objective, a probability of no relation, or an objective's bonds are not those
            of the encoder.
    """

    def __init__(
        self,
        config: MoleBlendConfig,
        encoder: nn.Module | None = None,
        objectives: Mapping[str, Objective] | None = None,
        blending: Blending | None = None,
        loss_weights: Mapping[str, float] | LossWeighting | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder: Any = MoleBlend(config) if encoder is None else encoder
        check_encoder(config, self.encoder)
        self.objectives = named_parts(
            "objective", default_objectives(config) if objectives is None else objectives, Objective
        )
        if not len(self.objectives):
            raise ValueError("pretraining needs at least one objective, got none")
        for name, objective in self.items():
            check_built_for(f"objective {name!r}", objective, channels=config.channels)
        check_paths(config, self.items())
        _ = self.wanted  # refuses parts that tell bonds apart in different ways
        self.blending = PairBlending() if blending is None else blending
        check_blending(self.blending, self.modalities)
        if not isinstance(loss_weights, LossWeighting):
            if not isinstance(loss_weights, (Mapping, NoneType)):
                raise ValueError(
                    f"`loss_weights` must be a mapping, {{name: weight}}, or a LossWeighting, got {loss_weights!r}"
                )
            given = dict(loss_weights or {})
            defaults = {name: PUBLISHED_LOSS_WEIGHTS.get(name, 1.0) for name in self.objectives}
            loss_weights = FixedWeights({**defaults, **given})
        loss_weights.check(list(self.objectives))
        self.loss_weighting = loss_weights

    def component_arguments(self) -> dict[str, Any]:
        return arguments_with(
            self,
            config=self.config,
            encoder=self.encoder,
            objectives=dict(self.items()),
            blending=self.blending,
            loss_weights=self.loss_weighting,
        )

    def items(self) -> list[tuple[str, Objective]]:
        r"""Names and objectives."""
        return [(name, cast(Objective, objective)) for name, objective in self.objectives.items()]

    @property
    def modalities(self) -> dict[str, str]:
        r"""``"2d"`` or ``"3d"`` for each relation that the encoder blends."""
        return dict(getattr(self.encoder, "modalities", {}))

    @property
    def wanted(self) -> Wanted:
        r"""What the encoder and the objectives read of their molecules."""
        encoder = getattr(self.encoder, "wanted", self.encoder)
        return wanted_by([encoder, *(objective for _, objective in self.items())])

    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""
        reset_children(self)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        r"""Compiles :meth:`recover` and :meth:`score` in place, each when it is first called; packing a batch has
        data-dependent sizes and stays outside."""
        # Bound again, so that a copy of the model runs with the copy's weights.
        self.recover = MethodType(torch.compile(type(self).recover, *args, **kwargs), self)  # type: ignore[method-assign]
        self.score = MethodType(torch.compile(type(self).score, *args, **kwargs), self)  # type: ignore[method-assign]

    def pack(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> DenseMolecules:
        r"""Lays out a batch with all fields that the relations and objectives read.

        Raises:
            MemoryError: If the batch cannot fit; see :func:`pyg_moleblend.models.check_memory`.
        """
        outputs = sum(objective.pair_outputs for _, objective in self.items())
        return pack_for(self.encoder, self.wanted, batch, self.config, modality, outputs)

    def draw_blend(self, molecules: DenseMolecules, generator: torch.Generator | None = None) -> Blend:
        r"""Draws a blend for packed molecules."""
        return drawn(self.blending, molecules, self.modalities, generator)

    def recover(self, molecules: DenseMolecules, blend: Blend) -> PretrainingOutput:
        r"""Encodes packed molecules under a blend, predicts, and takes the losses."""
        state = self._encode(molecules, blend)
        predictions = {name: objective(state) for name, objective in self.items()}
        outcomes = {name: objective.judge(predictions[name], state) for name, objective in self.items()}
        step = self._weigh(outcomes, blend)
        return PretrainingOutput(step.loss, step.losses, predictions, step.qualities, blend)

    def score(self, molecules: DenseMolecules, blend: Blend) -> PretrainingStep:
        r"""The same without the predictions: those of long molecules never exist as a whole."""
        state = self._encode(molecules, blend)
        return self._weigh({name: objective.evaluate(state) for name, objective in self.items()}, blend)

    def _encode(self, molecules: DenseMolecules, blend: Blend) -> RecoveryState:
        atoms = (molecules.mask & molecules.has_3d[:, None])[..., None]
        noise = torch.where(atoms, blend.pos_noise, torch.zeros_like(blend.pos_noise))  # whatever padding holds
        noisy_pos = molecules.pos + noise
        encoded = self.encoder.encode(molecules._replace(pos=noisy_pos), blend)
        bias: Tensor | None = getattr(encoded, "bias", None)
        if bias is None:  # an encoder without attention bias
            B, N = molecules.mask.shape
            zeros = encoded.atoms.new_zeros(B, 1, 1 + N, 1 + N)
            bias = shut_padded_keys(zeros, F.pad(molecules.mask, (1, 0), value=True))
        blend = blend._replace(pos_noise=noise)
        # Another encoder may leave NaN for padding, which would spoil sums over atoms even with a weight of zero.
        states = torch.where(molecules.mask[..., None], encoded.atoms, torch.zeros_like(encoded.atoms))
        return RecoveryState(encoded.graph, states, bias, molecules, noisy_pos, blend)

    def _weigh(self, outcomes: Mapping[str, Outcome], blend: Blend) -> PretrainingStep:
        outcomes = {name: checked_outcome(name, outcome) for name, outcome in outcomes.items()}
        losses = {name: outcome.loss for name, outcome in outcomes.items()}
        qualities = {name: outcome.quality for name, outcome in outcomes.items()}
        return PretrainingStep(self.loss_weighting(losses), losses, qualities, blend)

    def step(
        self,
        batch: Data | DenseMolecules,
        blend: Blend | None = None,
        generator: torch.Generator | None = None,
        modality: Modality = "2d+3d",
    ) -> PretrainingStep:
        r"""One step of blend-then-predict without the predictions, for training; arguments as in :meth:`forward`."""
        return self.score(*self._prepare(batch, blend, generator, modality))

    def forward(
        self,
        batch: Data | DenseMolecules,
        blend: Blend | None = None,
        generator: torch.Generator | None = None,
        modality: Modality = "2d+3d",
    ) -> PretrainingOutput:
        r"""One step of blend-then-predict.

        Args:
            batch: A ``Batch`` or one ``Data`` with the fields of :mod:`pyg_moleblend.fields`.
            blend: The blend to use; drawn when it is not given.
            generator: Source of randomness of the draw, on the batch's device.
            modality: Which inputs to blend, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).

        Raises:
            ValueError: If the blend is not one of these molecules.
        """
        return self.recover(*self._prepare(batch, blend, generator, modality))

    def _prepare(
        self,
        batch: Data | DenseMolecules,
        blend: Blend | None,
        generator: torch.Generator | None,
        modality: Modality,
    ) -> tuple[DenseMolecules, Blend]:
        molecules = self.pack(batch, modality)
        if blend is None:
            blend = self.draw_blend(molecules, generator)
        else:
            check_blend(blend, molecules, len(self.modalities))
        return molecules, blend
