from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from pyg_moleblend.components import Component


class Criterion(Component, nn.Module, ABC):
    r"""How labels are distributed about what a model says of them: its loss, and what of the outputs is the prediction.

    A subclass says in ``outputs`` how many numbers k the model gives for each target, and in ``kinds`` which labels it
    is for. Labels of a regression are standardised; those of a classification are 0 and 1.
    """

    outputs: int = 1
    kinds: tuple[str, ...] = ("regression",)

    @abstractmethod
    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        r"""The loss of each label, ``[B, T]``.

        Args:
            outputs: ``[B, T, k]``, floating point.
            labels: ``[B, T]``, of the same type; what is not known has been replaced by 0, and does not count.
        """

    def mean(self, outputs: Tensor) -> Tensor:
        r"""The predictions ``[B, T]``, values or logits, of outputs ``[B, T, k]``; by default the first number."""
        return outputs[..., 0]

    def std(self, outputs: Tensor) -> Tensor | None:
        r"""Standard deviations ``[B, T]`` of the labels about the predictions; ``None`` if they are not known."""
        return None

    def interval(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        r"""Ends ``[B, T]`` of intervals that are to be calibrated; by default the prediction, from which an interval
        then reaches equally far up and down."""
        mean = self.mean(outputs)
        return mean, mean

    def bound_loss(self, outputs: Tensor, bounds: Tensor, side: Tensor) -> Tensor:
        r"""The loss of each censored label, ``[B, T]``; only what has this method learns from bounds.

        Args:
            outputs: ``[B, T, k]``.
            bounds: ``[B, T]``, as labels.
            side: ``[B, T]``: 1 where the value lies above the bound, -1 where it lies below.
        """
        raise NotImplementedError

    @property
    def knows_std(self) -> bool:
        r"""Whether there are standard deviations."""
        return self.std(torch.zeros(1, 1, self.outputs)) is not None

    @property
    def knows_interval(self) -> bool:
        r"""Whether there are intervals beside the predictions."""
        return type(self).interval is not Criterion.interval

    @property
    def takes_bounds(self) -> bool:
        r"""Whether censored labels can be learnt."""
        return type(self).bound_loss is not Criterion.bound_loss


def check_criterion(criterion: object) -> None:
    r"""Raises :class:`ValueError` unless this is a criterion that says how many numbers it wants."""
    if not isinstance(criterion, Criterion):
        raise ValueError(f"the criterion must be a Criterion, such as Gaussian(), got {criterion!r}")
    if type(criterion.outputs) is not int or criterion.outputs < 1:
        raise ValueError(f"`outputs` of {criterion!r} must be a positive integer, got {criterion.outputs!r}")


def one_sided(loss: Tensor, mean: Tensor, bounds: Tensor, side: Tensor) -> Tensor:
    r"""The loss ``[B, T]`` where a prediction lies on the wrong side of its bound, else 0."""
    return torch.where((mean - bounds) * side < 0, loss, torch.zeros_like(loss))
