from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pyg_moleblend.models import MoleBlendForPretraining, PretrainingOutput
from pyg_moleblend.training.module import TrainingModule, weighted_sum
from pyg_moleblend.training.seeds import derived_seed
from pyg_moleblend.training.settings import Schedule
from pyg_moleblend.training.tally import Tally

_VALIDATION = 1  # tells the seeds of validation from those of training


class PretrainingModule(TrainingModule):
    r"""Blend-then-predict in Lightning (arXiv 2307.06235, section 3.2).

    Logged are each objective's loss and quality (``valid/spd_loss``, ``valid/spd_accuracy``, ...), their means
    taken over everything that was counted in an epoch, and the weighted ``loss``. The blends of validation are
    the same in every epoch, so its numbers differ by the model alone.

    Args:
        model: The model.
        schedule: How it is optimised.
        seed: The run's seed.
    """

    model: MoleBlendForPretraining

    def __init__(self, model: MoleBlendForPretraining, schedule: Schedule, seed: int = 0) -> None:
        super().__init__(model, schedule, seed)
        tallies = {f"{name}_{what}": Tally() for name in model.objectives for what in ("loss", "quality")}
        self.train_tallies = nn.ModuleDict(tallies)
        self.valid_tallies = nn.ModuleDict({name: tally.clone() for name, tally in tallies.items()})

    def forward(self, batch: Any) -> PretrainingOutput:
        r"""One step with a fresh draw."""
        return self.model(batch)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        r"""The weighted loss of a batch; PyTorch's generator, which draws the blend, was seeded before."""
        output = self.model(batch)
        self._count(self.train_tallies, output)
        self.log("train/loss_step", output.loss, prog_bar=True, batch_size=batch.num_graphs)
        return output.loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        r"""Counts a batch under a blend that depends on the seed and the batch's number only."""
        generator = torch.Generator(self.device)
        generator.manual_seed(derived_seed(self.seed, _VALIDATION, batch_idx, self.global_rank))
        self._count(self.valid_tallies, self.model(batch, generator=generator))

    def on_train_epoch_end(self) -> None:
        r"""Logs the epoch's losses and qualities."""
        self._report("train", self.train_tallies)

    def on_validation_epoch_end(self) -> None:
        r"""Logs the validation's losses and qualities."""
        self._report("valid", self.valid_tallies)

    def _count(self, tallies: nn.ModuleDict, output: PretrainingOutput) -> None:
        for name, quality in output.qualities.items():
            # A loss is the mean over what its quality counts.
            tallies[f"{name}_loss"].update(output.losses[name] * quality.count, quality.count)
            tallies[f"{name}_quality"].update(quality.total, quality.count)

    def _report(self, part: str, tallies: nn.ModuleDict) -> None:
        losses = {}
        for name, objective in self.model.objectives.items():
            losses[name] = tallies[f"{name}_loss"].compute()
            self.log(f"{part}/{name}_loss", losses[name])
            self.log(f"{part}/{name}_{objective.quality_name}", tallies[f"{name}_quality"].compute())
        self.log(f"{part}/loss", weighted_sum(losses, self.model.config.loss_weights))
        for tally in tallies.values():
            tally.reset()
