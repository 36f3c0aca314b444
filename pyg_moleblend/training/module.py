from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh

from pyg_moleblend.runtime.devices import move
from pyg_moleblend.runtime.seeds import derived_seed
from pyg_moleblend.training.data import MoleculeDataModule
from pyg_moleblend.training.global_mean import GlobalMean, global_mean
from pyg_moleblend.training.parameter_groups import parameter_groups
from pyg_moleblend.training.settings import Schedule
from pyg_moleblend.training.strategy import is_sharded, sharded


class DivergedError(ValueError):
    r"""A training whose weights or predictions are no longer finite."""


class TrainingModule(pl.LightningModule):
    r"""What pretraining and fine-tuning have in common: the optimizer, its schedule, and repeatable randomness.

    Before each batch PyTorch's generators are seeded by the run's seed, the epoch, the batch and the process.
    Dropout and blends so follow from the seed alone, and a run that was interrupted goes on as if it had not been.
    Losses are means over what all processes count together, so that the gradient does not depend on how the molecules
    of an update were dealt.

    Args:
        model: The model.
        schedule: How it is optimised.
        seed: The run's seed.
    """

    def __init__(self, model: nn.Module, schedule: Schedule, seed: int = 0) -> None:
        super().__init__()
        self.model = model
        if schedule.layer_decay == 0:
            model.get_submodule("encoder").requires_grad_(False).eval()
        self.schedule = schedule
        self.seed = seed

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        r"""Moves a batch, its labels with as many digits as the device has."""
        return move(batch, device)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        r"""Seeds the batch's randomness."""
        torch.manual_seed(derived_seed(self.seed, self.current_epoch, batch_idx, self.global_rank))

    def on_train_epoch_start(self) -> None:
        r"""Looks at the weights."""
        self._check_weights()

    def on_train_end(self) -> None:
        r"""Looks at the weights."""
        self._check_weights()

    def _check_weights(self) -> None:
        r"""Raises :class:`DivergedError` if the training has diverged, in all processes together."""
        own = [getattr(weight, "to_local", lambda weight=weight: weight)() for weight in self.model.parameters()]
        finite = all(bool(weight.isfinite().all()) for weight in own)
        if not self.trainer.strategy.reduce_boolean_decision(finite):
            raise DivergedError(
                f"the training has diverged, weights are NaN or infinite after {self.trainer.global_step} updates: "
                f"start it again with a learning rate below {self.schedule.learning_rate:g} (--schedule.learning-rate)"
            )

    def configure_model(self) -> None:
        r"""Shares out the model under FSDP; the model that was given stays whole."""
        if isinstance(self.trainer.strategy, ModelParallelStrategy) and not is_sharded(self.model):
            device = self.trainer.strategy.root_device.type
            self.model = sharded(self.model, init_device_mesh(device, (self.trainer.world_size,)))

    def mean_over_processes(self, means: Tensor, counts: Tensor) -> GlobalMean:
        r"""Means ``[S]`` of this process, weighted by its counts ``[S]``; see
        :func:`~pyg_moleblend.training.global_mean.global_mean`."""
        strategy = self.trainer.strategy
        return global_mean(means, counts, self.trainer.world_size, lambda x: strategy.reduce(x, reduce_op="sum"))

    def configure_optimizers(self) -> Any:
        r"""Adam, the warm-up and the cosine."""
        schedule = self.schedule
        optimizer = torch.optim.AdamW(
            parameter_groups(self.model, schedule),
            lr=schedule.learning_rate,
            weight_decay=schedule.weight_decay,
            fused=self.trainer.precision != "16-mixed",  # there it would hide the gradients' scale from the clipping
        )
        total = self._total_steps()
        warmup = schedule.warmup_steps(total)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, warmup, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        r"""Clips the gradient's norm. Lightning's own refuses a fused optimizer under bf16, which has no scale.

        Under FSDP the gradients are distributed tensors, and their norm is that of the whole.
        """
        if gradient_clip_val:
            nn.utils.clip_grad_norm_(self.model.parameters(), gradient_clip_val)

    def _total_steps(self) -> int:
        if self.schedule.steps is not None:
            return self.schedule.steps
        data = getattr(self.trainer, "datamodule", None)
        if isinstance(data, MoleculeDataModule):
            # Lightning's own estimate would make the loader before it knows where a resumed run stands.
            return self.schedule.epochs * data.steps_per_epoch()
        return int(self.trainer.estimated_stepping_batches)


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    r"""Factor of the learning rate: from above 0 linearly to 1 within the warm-up, then along a cosine to 0.

    Args:
        step: Updates that were made.
        warmup: Updates of the warm-up.
        total: All updates.
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min((step - warmup) / max(total - warmup, 1), 1.0)))
