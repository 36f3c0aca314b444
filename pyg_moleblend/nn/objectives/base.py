from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pyg_moleblend.components import Component
from pyg_moleblend.nn.blending.blend import Blend
from pyg_moleblend.nn.reset import reset_children
from pyg_moleblend.utils import DenseMolecules


class RecoveryState(NamedTuple):
    r"""What an objective can look at after the encoder has run on a blend.

    Attributes:
        graph: Final state of the graph token, ``[B, C]``.
        atoms: Final atom states, ``[B, N, C]``; 0 where padded.
        bias: The attention bias that the blend gave, ``[B, H, 1 + N, 1 + N]``, -inf at padded keys.
        molecules: The molecules with their clean coordinates, and the fields that the objectives ask for, in ``pairs``,
            ``atoms`` and ``graphs``.
        noisy_pos: The coordinates that the encoder saw, in Å, ``[B, N, 3]``.
        blend: The blend.
    """

    graph: Tensor
    atoms: Tensor
    bias: Tensor
    molecules: DenseMolecules
    noisy_pos: Tensor
    blend: Blend


class Quality(NamedTuple):
    r"""How well an objective is met, summed over what was counted: the mean is ``total / weight``.

    Attributes:
        total: Scalar.
        weight: How much was counted, scalar; 0 where nothing was.
    """

    total: Tensor
    weight: Tensor


class Outcome(NamedTuple):
    r"""What comes of an objective in a step.

    Attributes:
        loss: Scalar.
        quality: Without gradient.
    """

    loss: Tensor
    quality: Quality


def checked_outcome(name: str, outcome: Outcome) -> Outcome:
    r"""The outcome of the objective of this name, all its numbers as scalar tensors.

    Raises:
        ValueError: If they are no scalars.
    """
    try:
        loss, (total, weight) = outcome
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"objective {name!r} must give a loss and a Quality(total, weight), got {outcome!r}"
        ) from error
    if not isinstance(loss, Tensor) or loss.dim():
        shape = f"shape {list(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"the loss of objective {name!r} must be a scalar tensor, got {shape}")
    scalars = [value if isinstance(value, Tensor) else loss.new_full((), value) for value in (total, weight)]
    if any(value.dim() for value in scalars):
        shapes = [list(value.shape) for value in scalars]
        raise ValueError(f"the quality of objective {name!r} must be two scalars, got shapes {shapes}")
    return Outcome(loss, Quality(*scalars))


class Objective(Component, nn.Module, ABC):
    r"""One of the things that pretraining predicts: a head, its target and its loss (arXiv 2307.06235, section 3.2).

    A subclass names the fields that it reads, and in ``quality_name`` what :meth:`quality` measures, for reports
    ("accuracy", "mae", ...). The first argument of its constructor is ``channels``.
    """

    pair_fields: tuple[str, ...] = ()
    atom_fields: tuple[str, ...] = ()
    graph_fields: tuple[str, ...] = ()
    quality_name: str = "quality"
    is_likelihood: bool = False
    r"""Whether the loss is a cross entropy in nats, so that reports can tell usable information from it."""

    @property
    def pair_outputs(self) -> int:
        r"""Numbers that are predicted for each pair of atoms, for estimates of memory."""
        return 0

    def reset_parameters(self) -> None:
        r"""Draws fresh weights; by default each child draws its own."""
        reset_children(self)

    @abstractmethod
    def forward(self, state: RecoveryState) -> Tensor:
        r"""The prediction."""

    @abstractmethod
    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        r"""Scalar loss, the mean over what :meth:`quality` counts; 0 where there is nothing to count."""

    @abstractmethod
    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        r"""The quality of the prediction."""

    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome:
        r"""Loss and quality of a prediction."""
        with torch.no_grad():
            quality = self.quality(prediction, state)
        return Outcome(self.loss(prediction, state), quality)

    def evaluate(self, state: RecoveryState) -> Outcome:
        r"""Loss and quality where nobody asks for the prediction, which then need not exist as a whole."""
        return self.judge(self(state), state)


class JointObjective(Objective):
    r"""An objective whose loss and quality are made of the same things: a subclass gives both in :meth:`judge`."""

    @abstractmethod
    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome: ...

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return self.judge(prediction, state).loss

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        return self.judge(prediction, state).quality
