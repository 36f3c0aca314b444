from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class Tally(Metric):
    r"""The mean of everything counted in an epoch, over all batches and processes: total through count.

    A mean of batch means would weigh a pair of a small batch more than one of a large batch. NaN where nothing
    was counted.
    """

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("total", "count"):
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, total: Tensor, count: Tensor) -> None:
        r"""Adds a sum over some entries, and their number."""
        self.total += total.detach()
        self.count += count

    def compute(self) -> Tensor:
        r"""The mean."""
        return self.total / self.count


class Collected(Metric):
    r"""All labels and predictions of an epoch, over all batches and processes.

    The loader gives every molecule once, so what the processes have seen is put together as it is.
    """

    full_state_update = False
    labels: list[Tensor]
    predictions: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("labels", "predictions"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, labels: Tensor, predictions: Tensor) -> None:
        r"""Adds ``[B, T]`` labels and predictions."""
        self.labels.append(labels.detach())
        self.predictions.append(predictions.detach())

    def compute(self) -> tuple[Tensor, Tensor]:
        r"""Labels and predictions, ``[M, T]`` each."""
        return _joined(self.labels), _joined(self.predictions)


def _joined(parts: list[Tensor] | Tensor) -> Tensor:
    return parts if isinstance(parts, Tensor) else torch.cat(parts)
