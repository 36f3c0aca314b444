r"""The loss of a batch's labels, whatever the criterion."""

from __future__ import annotations

import torch
from torch import Tensor

from pyg_moleblend.losses import masked_mean
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.nn import BCE, MSE, Criterion

DEFAULT_CRITERIA: dict[str, type[Criterion]] = {"regression": MSE, "classification": BCE}
r"""What a model without a criterion is trained by, by the kind of its task."""


def criterion_for(task: Task, criterion: Criterion | None) -> Criterion:
    r"""The criterion, or the default one of a task.

    Raises:
        ValueError: If it is for labels of another kind.
    """
    criterion = DEFAULT_CRITERIA[task.kind]() if criterion is None else criterion
    if task.kind not in criterion.kinds:
        raise ValueError(
            f"{criterion!r} is for {' and '.join(criterion.kinds)}, and this is a {task.kind}: take another criterion, "
            f"{DEFAULT_CRITERIA[task.kind].__name__} say"
        )
    return criterion


def label_loss(
    criterion: Criterion,
    task: Task,
    outputs: Tensor,
    labels: Tensor | None,
    side: Tensor | None = None,
    weight: Tensor | None = None,
) -> Tensor:
    r"""The mean of a criterion over the labels that there are, a scalar; 0 where there is none.

    Args:
        criterion: The criterion.
        task: The task, by which labels are standardised.
        outputs: ``[B, T, k]``, as the model gives them.
        labels: ``[B, T]`` or as :meth:`Task.rows` takes them, in the targets' units, NaN where there is none.
        side: ``[B, T]``: 1 where the value lies above the label, -1 where it lies below, 0 where it is the label; no
            label is a bound by default.
        weight: ``[B, T]``, by which each label's loss is multiplied; the sum is divided by the number of labels, not
            by that of weights, so that a batch counts as much as it weighs. All are 1 by default.

    Raises:
        ValueError: If there are not T labels, or not T times k outputs, for a molecule.
    """
    expected = (task.num_targets, criterion.outputs)
    if outputs.dim() != 3 or outputs.shape[1:] != expected:
        raise ValueError(
            f"outputs for {task.num_targets} targets must be {['B', *expected]}, got {list(outputs.shape)}"
        )
    outputs, labels = outputs.float(), task.rows(labels, len(outputs))
    known = ~labels.isnan()
    target = torch.where(known, task.standardize(labels), torch.zeros_like(labels)).to(outputs.dtype)
    losses = criterion.loss(outputs, target)
    if losses.shape != target.shape:
        raise ValueError(
            f"{criterion!r} must give a loss for each label, {list(target.shape)}, got {list(losses.shape)}"
        )
    if side is not None and bool((side != 0).any()):
        losses = torch.where(side == 0, losses, criterion.bound_loss(outputs, target, side))
    return masked_mean(losses if weight is None else losses * weight, known)
