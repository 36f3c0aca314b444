from __future__ import annotations

from collections.abc import Mapping
from types import MethodType
from typing import Any, cast

import torch
from torch import nn
from torch_geometric.data import Data

from pyg_moleblend.models.config import MoleBlendConfig, check_same_shape
from pyg_moleblend.models.memory import check_memory
from pyg_moleblend.models.moleblend import MoleBlend
from pyg_moleblend.models.pretraining_output import PretrainingOutput, PretrainingStep
from pyg_moleblend.nn import (
    Blend,
    BondPathRecovery,
    Denoising,
    DisplacementRecovery,
    DistanceRecovery,
    Objective,
    Outcome,
    RecoveryState,
    SPDRecovery,
    check_blend,
    draw_blend,
)
from pyg_moleblend.utils import DenseMolecules, Modality, pack


def default_objectives(config: MoleBlendConfig) -> dict[str, Objective]:
    r"""The objectives of the paper; leave one out, or add your own entry (arXiv 2307.06235, section 3.2)."""
    C, R = config.channels, config.pair_channels
    geometry = {"displacement": DisplacementRecovery, "distance": DistanceRecovery}[config.geometry_objective]
    return {
        "spd": SPDRecovery(C, config.num_spd_classes, R),
        "bond_path": BondPathRecovery(C, config.max_path_length, config.bond_vocabulary, R),
        config.geometry_objective: geometry(C, R),
        "denoising": Denoising(C, config.heads),
    }


class MoleBlendForPretraining(nn.Module):
    r"""Blend-then-predict (arXiv 2307.06235, section 3.2): for every pair of atoms one relation is drawn to enter
    the encoder, and all relations are predicted back from the atoms' states.

    Args:
        config: The model's shape and how it is pretrained.
        encoder: The encoder; one with the relations of the paper by default.
        objectives: What is predicted, by name; those of :func:`default_objectives` by default.

    Raises:
        ValueError: If there is not one probability for each relation and one loss weight for each objective.
    """

    def __init__(
        self,
        config: MoleBlendConfig,
        encoder: MoleBlend | None = None,
        objectives: Mapping[str, Objective] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = MoleBlend(config) if encoder is None else encoder
        check_same_shape(config, self.encoder.config)
        self.objectives = nn.ModuleDict(default_objectives(config) if objectives is None else objectives)
        relations = self.encoder.attention_bias.blend.names
        if len(relations) != len(config.relation_probabilities):
            raise ValueError(
                f"`relation_probabilities` must have one entry for each relation {relations}, "
                f"got {config.relation_probabilities}"
            )
        if missing := sorted(set(self.objectives) - set(config.loss_weights)):
            raise ValueError(f"`loss_weights` has no weight for the objectives {missing}, got {config.loss_weights}")

    def items(self) -> list[tuple[str, Objective]]:
        r"""Names and objectives."""
        return [(name, cast(Objective, objective)) for name, objective in self.objectives.items()]

    def reset_parameters(self) -> None:
        r"""Draws fresh weights."""
        self.encoder.reset_parameters()
        for _, objective in self.items():
            objective.reset_parameters()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        r"""Compiles :meth:`recover` and :meth:`score` in place, each when it is first called; packing a batch has
        data-dependent sizes and stays outside."""
        # Bound anew, so that a copy of the model runs with the copy's weights.
        self.recover = MethodType(torch.compile(type(self).recover, *args, **kwargs), self)  # type: ignore[method-assign]
        self.score = MethodType(torch.compile(type(self).score, *args, **kwargs), self)  # type: ignore[method-assign]

    def pack(self, batch: Data | DenseMolecules, modality: Modality = "2d+3d") -> DenseMolecules:
        r"""Lays out a batch with all fields that the relations and objectives read.

        Raises:
            MemoryError: If the batch cannot fit; see :func:`pyg_moleblend.models.check_memory`.
        """
        check_memory(self.config, batch, self.encoder.activation_checkpointing)
        fields = set(self.encoder.attention_bias.blend.pair_fields)
        for _, objective in self.items():
            fields.update(objective.pair_fields)
        return pack(batch, fields, self.config.max_path_length, modality)

    def draw_blend(self, molecules: DenseMolecules, generator: torch.Generator | None = None) -> Blend:
        r"""Draws a blend for packed molecules by the configuration's probabilities."""
        return draw_blend(
            molecules,
            self.encoder.attention_bias.blend.modalities,
            self.config.relation_probabilities,
            self.config.atom_feature_probabilities,
            self.config.noise_scale,
            self.config.blend_scope,
            generator,
        )

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
        return RecoveryState(encoded.atoms, encoded.bias, molecules, noisy_pos, blend._replace(pos_noise=noise))

    def _weigh(self, outcomes: Mapping[str, Outcome], blend: Blend) -> PretrainingStep:
        losses = {name: outcome.loss for name, outcome in outcomes.items()}
        weighted = [self.config.loss_weights[name] * loss for name, loss in losses.items()]
        qualities = {name: outcome.quality for name, outcome in outcomes.items()}
        return PretrainingStep(sum(weighted[1:], start=weighted[0]), losses, qualities, blend)

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
            check_blend(blend, molecules, len(self.encoder.attention_bias.blend.names))
        return molecules, blend
