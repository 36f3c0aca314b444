from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class Tally(Metric):
    r"""Means of what was counted in an epoch, over all batches and processes: total through count.

    A mean of batch means would weigh a pair of a small batch more than one of a large batch. NaN where nothing
    was counted.

    Args:
        size: How many means are taken, S.
    """

    full_state_update = False
    total: Tensor
    counted: Tensor

    def __init__(self, size: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("total", "counted"):
            self.add_state(name, torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, total: Tensor, count: Tensor) -> None:
        r"""Adds sums over some entries ``[S]``, and how many these were ``[S]``."""
        self.total += total.detach()
        self.counted += count

    def compute(self) -> Tensor:
        r"""The means ``[S]``."""
        return self.total / self.counted


class Collected(Metric):
    r"""All labels and predictions of an epoch, over all batches and processes, in the order of the rows."""

    full_state_update = False
    labels: list[Tensor]
    predictions: list[Tensor]
    rows: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("labels", "predictions", "rows"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, labels: Tensor, predictions: Tensor, rows: Tensor) -> None:
        r"""Adds ``[B, T]`` labels and predictions of the rows ``[B]``."""
        self.labels.append(labels.detach())
        self.predictions.append(predictions.detach())
        self.rows.append(rows.to(labels.device))

    def compute(self) -> Tensor:
        r"""Labels and predictions, ``[2, M, T]``.

        Raises:
            RuntimeError: If a row came more than once.
        """
        rows, order = _joined(self.rows).sort()
        if twice := rows[1:][rows[1:] == rows[:-1]].tolist():
            raise RuntimeError(f"{len(twice)} rows were evaluated more than once, the first being row {twice[0]}")
        # One tensor: torchmetrics takes the shape from a result that is a single number.
        return torch.stack([_joined(self.labels).double(), _joined(self.predictions).double()])[:, order]


def _joined(parts: list[Tensor] | Tensor) -> Tensor:
    return parts if isinstance(parts, Tensor) else torch.cat(parts)
