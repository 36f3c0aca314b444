from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pyg_moleblend.metrics import METRICS
from pyg_moleblend.metrics.task import Task, scores
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.training.data import validation_rows
from pyg_moleblend.training.label_loss import criterion_for, label_loss
from pyg_moleblend.training.module import DivergedError, TrainingModule
from pyg_moleblend.training.settings import Schedule
from pyg_moleblend.training.tally import Collected, Tally
from pyg_moleblend.utils import Modality


class PropertyModule(TrainingModule):
    r"""Fine-tuning to properties in Lightning (arXiv 2307.06235, section 4.2).

    Only labelled entries count, each as the model's criterion has it: squared errors or cross entropy by default. In
    training a label counts by ``label_weight`` ``[B, T]``, where the batch has one. Logged are the loss and the usual
    metrics of the task, in the targets' units. Where ``label_side`` ``[B, T]`` says that a label is a bound, it is in
    the loss alone.

    Args:
        model: The model.
        task: Its targets.
        schedule: How it is optimised.
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
            (default: :obj:`"2d+3d"`)
        seed: The run's seed. (default: :obj:`0`)
        metric: What chooses the best epoch, to be logged beside the usual metrics; one of these by default.

    Raises:
        ValueError: If the model does not predict each target, or its criterion is for labels of another kind.
    """

    model: MoleBlendForPropertyPrediction

    def __init__(
        self,
        model: MoleBlendForPropertyPrediction,
        task: Task,
        schedule: Schedule,
        modality: Modality = "2d+3d",
        seed: int = 0,
        metric: str | None = None,
    ) -> None:
        super().__init__(model, schedule, seed)
        if model.num_tasks != task.num_targets:
            raise ValueError(f"a model of {model.num_tasks} outputs cannot learn {task.num_targets} targets")
        self.task = task
        self.criterion = criterion_for(task, model.criterion)
        self.metrics = [name for name in task.metrics if METRICS[name].usual or name == metric]
        self.modality: Modality = modality
        self.train_tally = Tally()
        self.valid_tally = Tally()
        self.collected = Collected()

    def forward(self, batch: Any) -> Tensor:
        r"""Values ``[B, T]``: probabilities, or in the targets' units."""
        return self.task.restore(self.model(batch, self.modality))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        r"""The loss of a batch."""
        outputs = self.model.outputs(batch, self.modality)
        loss, count = self._loss(self.train_tally, batch, outputs, batch.get("label_weight"))
        mean = self.mean_over_processes(loss[None], count[None])
        self.log("train/loss_step", mean.value.squeeze(), prog_bar=True, batch_size=batch.num_graphs)
        return mean.share.squeeze()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        r"""Keeps the predictions of a batch until all are there."""
        outputs = self.model.outputs(batch, self.modality)
        self._loss(self.valid_tally, batch, outputs)
        rows = validation_rows(self.trainer, batch_idx, batch.num_graphs)
        labels = self.task.rows(batch.y, len(outputs))
        if "label_side" in batch:
            labels = labels.masked_fill(batch.label_side != 0, torch.nan)
        self.collected.update(labels, self.task.restore(self.model.mean(outputs)), rows)

    def on_train_epoch_end(self) -> None:
        r"""Logs the epoch's loss."""
        self._report("train", self.train_tally)

    def on_validation_epoch_end(self) -> None:
        r"""Logs the loss and the metrics of the validation molecules."""
        self._report("valid", self.valid_tally)
        labels, predictions = self.collected.compute()
        self.collected.reset()
        if odd := int((~predictions.isfinite()).any(1).sum()):
            raise DivergedError(
                f"the training has diverged, {odd} of {len(predictions)} validation molecules have no finite "
                f"prediction: start it again with a learning rate below {self.schedule.learning_rate:g} "
                "(--schedule.learning-rate)"
            )
        for name, score in scores(self.task, labels, predictions, self.metrics).items():
            self.log(f"valid/{name}", score.value)

    def _loss(self, tally: Tally, batch: Any, outputs: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
        labels = self.task.rows(batch.y, len(outputs))
        loss = label_loss(self.criterion, self.task, outputs, labels, batch.get("label_side"), weight)
        count = (~labels.isnan()).sum()
        tally.update(loss * count, count)
        return loss, count

    def _report(self, part: str, tally: Tally) -> None:
        if not tally.update_called:  # an epoch that was resumed at its very end
            return
        self.log(f"{part}/loss", tally.compute().squeeze())
        tally.reset()
