from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pyg_moleblend.models import MoleBlendForPretraining, PretrainingOutput, PretrainingStep
from pyg_moleblend.nn import Objective
from pyg_moleblend.runtime.seeds import derived_seed
from pyg_moleblend.training.module import TrainingModule
from pyg_moleblend.training.settings import Schedule
from pyg_moleblend.training.tally import Tally


class PretrainingModule(TrainingModule):
    r"""Blend-then-predict in Lightning (arXiv 2307.06235, section 3.2).

    Logged are each objective's loss and quality (``valid/spd_loss``, ``valid/spd_accuracy``, ...), their means
    taken over everything that was counted in an epoch, and the weighted ``loss``. The blends of validation are
    the same in every epoch, so its numbers differ by the model alone.

    Args:
        model: The model.
        schedule: How it is optimised.
        seed: The run's seed. (default: :obj:`0`)
    """

    model: MoleBlendForPretraining

    def __init__(self, model: MoleBlendForPretraining, schedule: Schedule, seed: int = 0) -> None:
        super().__init__(model, schedule, seed)
        self.objectives = {name: o for name, o in model.objectives.items() if isinstance(o, Objective)}
        self.train_tally = Tally(2 * len(self.objectives))
        self.valid_tally = Tally(2 * len(self.objectives))

    def forward(self, batch: Any) -> PretrainingOutput:
        r"""One step with a fresh draw."""
        return self.model(batch)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        r"""The weighted loss of a batch; PyTorch's generator, which draws the blend, was seeded before."""
        step = self.model.step(batch)
        self._count(self.train_tally, step)
        # A loss is the mean over what its quality counts.
        counted = torch.stack([quality.weight for quality in step.qualities.values()])
        losses = self.mean_over_processes(torch.stack(list(step.losses.values())), counted)
        weigh = self.model.loss_weighting
        with torch.no_grad():
            total = weigh(dict(zip(step.losses, losses.value.unbind(), strict=True)))
        self.log("train/loss_step", total, prog_bar=True, batch_size=batch.num_graphs)
        return weigh(dict(zip(step.losses, losses.share.unbind(), strict=True)))

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        r"""Counts a batch under a blend that depends on the seed and the batch's number only, which all processes
        count together."""
        generator = torch.Generator(self.device)
        generator.manual_seed(derived_seed(self.seed, batch_idx * self.trainer.world_size + self.global_rank))
        self._count(self.valid_tally, self.model.step(batch, generator=generator))

    def on_train_epoch_end(self) -> None:
        r"""Logs the epoch's losses and qualities."""
        self._report("train", self.train_tally)

    def on_validation_epoch_end(self) -> None:
        r"""Logs the validation's losses and qualities."""
        self._report("valid", self.valid_tally)

    @staticmethod
    def _count(tally: Tally, step: PretrainingStep) -> None:
        totals, counted = (torch.stack(parts) for parts in zip(*step.qualities.values(), strict=True))
        losses = torch.stack(list(step.losses.values())) * counted
        tally.update(torch.cat([losses, totals]), torch.cat([counted, counted]))

    def _report(self, part: str, tally: Tally) -> None:
        if not tally.update_called:  # an epoch that was resumed at its very end
            return
        losses, qualities = tally.compute().chunk(2)
        tally.reset()
        for number, (name, objective) in enumerate(self.objectives.items()):
            self.log(f"{part}/{name}_loss", losses[number])
            self.log(f"{part}/{name}_{objective.quality_name}", qualities[number])
        # What is NaN was never counted, and adds nothing.
        counted = losses.nan_to_num(nan=0.0).unbind()
        with torch.no_grad():
            self.log(f"{part}/loss", self.model.loss_weighting(dict(zip(self.objectives, counted, strict=True))))
