from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pyg_moleblend.metrics.task import Task


@dataclass(frozen=True)
class LabelWeights:
    r"""How much each label counts in training: the product of what its molecule, its target and its class count.

    Each of the three has the mean 1 over what it is of, whatever is given here, so that a learning rate keeps its
    meaning. Validation and scores weigh all labels alike.

    Args:
        molecules: A number at least 0 for each molecule, in the molecules' order; only those of the training part are
            looked at. All alike by default.
        targets: A number at least 0 for each target, in the targets' order. All alike by default.
        balance: Whether the positives of each target count as much together as its negatives. (default: :obj:`False`)
    """

    molecules: Tensor | Sequence[float] | None = None
    targets: Sequence[float] | None = None
    balance: bool = False

    def of(self, task: Task, labels: Tensor, positions: Tensor, count: int, rows: Tensor | None = None) -> Tensor:
        r"""The weights of the labels of the training molecules, float32 ``[M, T]``.

        Args:
            task: The task.
            labels: Of the training molecules, ``[M, T]``, NaN where there is none.
            positions: Of the training molecules among all molecules, ``[M]``.
            count: How many these are.
            rows: Their rows in the source, ``[M]``, for errors; ``positions`` by default.

        Raises:
            ValueError: If the numbers are not as many as the molecules or targets, one is missing, negative or
                infinite, all are 0, or values are to be balanced.
        """
        weight = torch.ones(labels.shape, dtype=torch.double)
        if self.molecules is not None:
            given = torch.as_tensor(self.molecules, dtype=torch.double)
            if given.shape != (count,):
                raise ValueError(
                    f"`molecules` must have a weight for each of {count} molecules, got {list(given.shape)}"
                )
            own = given[positions]
            if (bad := (~((own >= 0) & own.isfinite())).nonzero().flatten()).numel():
                row = int((positions if rows is None else rows)[bad[0]])
                what = "no weight" if own[bad[0]].isnan() else f"the weight {own[bad[0]]:g}"
                raise ValueError(
                    f"weights of training molecules must be finite numbers, at least 0: row {row} has {what}, and "
                    f"{len(bad) - 1} others have none that is; give each a weight, or leave these molecules out of the "
                    "training part"
                )
            weight = weight * _of_mean_1(own, "molecules")[:, None]
        if self.targets is not None:
            each = torch.as_tensor(list(self.targets), dtype=torch.double)
            if each.shape != (task.num_targets,):
                raise ValueError(f"`targets` must have a weight for each of {list(task.names)}, got {each.tolist()}")
            if not all(0 <= value < math.inf for value in each.tolist()):
                raise ValueError(f"weights of targets must be finite numbers, at least 0, got {each.tolist()}")
            weight = weight * _of_mean_1(each, "targets")
        if self.balance:
            if task.kind != "classification":
                raise ValueError("classes can be balanced, and values cannot: leave the balance out of a regression")
            weight = weight * balanced(labels)
        return weight.float()


def balanced(labels: Tensor) -> Tensor:
    r"""Weights ``[M, T]`` of labels 0 and 1 of which both classes of a target have half; 1 where it has one class."""
    known = ~labels.isnan()
    counts = [(labels == label).sum(0) for label in (0, 1)]  # [T] each
    each = [known.sum(0) / (2 * count) for count in counts]
    both = (counts[0] > 0) & (counts[1] > 0)
    return torch.where(known & both, torch.where(labels == 1, each[1], each[0]), 1.0)


def _of_mean_1(weights: Tensor, what: str) -> Tensor:
    if not (most := float(weights.max())) > 0:
        raise ValueError(f"the weights of all {what} are 0: nothing would be learnt")
    weights = weights / most  # whose sum a float may hold
    return weights / weights.mean()
