from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pyg_moleblend.metrics.task import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction


class Estimate(NamedTuple):
    r"""What a model says of T targets of M molecules, in the targets' units, each ``[M, T]``.

    Attributes:
        values: Probabilities, or values.
        lower: The lower end of an interval that is not calibrated yet; the values where the model has none.
        upper: The upper end, likewise.
        variance: Of the labels about the values; NaN where it is not known.
    """

    values: Tensor
    lower: Tensor
    upper: Tensor
    variance: Tensor

    @classmethod
    def of_values(cls, values: Tensor) -> Estimate:
        r"""Values of which nothing more is known."""
        return cls(values, values, values, torch.full_like(values, torch.nan))

    @classmethod
    def of_outputs(cls, model: MoleBlendForPropertyPrediction, task: Task, outputs: Tensor) -> Estimate:
        r"""What the outputs ``[M, T, k]`` of a model say.

        Raises:
            ValueError: If a standard deviation is none.
        """
        values = task.restore(model.mean(outputs))
        if model.criterion is None or task.kind == "classification":
            return cls.of_values(values)
        lower, upper = (task.restore(end) for end in model.criterion.interval(outputs.float()))
        std = model.criterion.std(outputs.float())
        if std is None:
            return cls(values, lower, upper, torch.full_like(values, torch.nan))
        if bool((outputs.isfinite().all(-1) & ~(std.isfinite() & (std > 0))).any()):
            raise ValueError(f"a standard deviation of {model.criterion} is not positive and finite: its `std` must be")
        return cls(values, lower, upper, task.restore_deviation(std).square())

    @classmethod
    def of_columns(cls, columns: Tensor) -> Estimate:
        r"""The inverse of :attr:`columns`."""
        return cls(*columns.chunk(4, 1))

    @property
    def columns(self) -> Tensor:
        r"""All of it side by side, ``[M, 4 T]``."""
        return torch.cat(list(self), 1)

    @property
    def scale(self) -> Tensor:
        r"""In what errors are measured, ``[M, T]``: the standard deviation, or the target's unit."""
        return torch.where(self.variance.isnan(), torch.ones_like(self.variance), self.variance.sqrt())

    def excess(self, labels: Tensor) -> Tensor:
        r"""How far labels ``[M, T]`` lie beyond the interval, in multiples of the scale; negative within it.

        Without an interval these are absolute errors.
        """
        return torch.maximum(self.lower - labels, labels - self.upper) / self.scale

    def interval(self, width: Tensor) -> tuple[Tensor, Tensor]:
        r"""The interval, its ends moved outwards by multiples ``[T]`` of the scale; inwards, to the value at most.

        Split conformal prediction (arXiv 1604.04173), locally weighted where the model gives standard deviations;
        conformalised quantile regression (arXiv 1905.03222) where it gives quantiles.
        """
        reach = width * self.scale
        return torch.minimum(self.lower - reach, self.values), torch.maximum(self.upper + reach, self.values)
