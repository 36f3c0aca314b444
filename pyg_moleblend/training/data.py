from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch_geometric.data import Data

from pyg_moleblend.loader import SizeBucketBatchSampler, molecule_loader, molecule_sizes
from pyg_moleblend.loader.draw_conformers import draw_conformers
from pyg_moleblend.training.settings import Machine, Schedule


class MoleculeDataModule(pl.LightningDataModule):
    r"""Training and validation molecules for Lightning, in batches of molecules of like size.

    Every process has its share, without duplicates, so the trainer needs ``use_distributed_sampler=False``. An
    epoch that was interrupted goes on with the batch after the last one that is in the checkpoint. With a budget of
    pairs, epochs differ in their number of batches, so the trainer is told to ask for the batches again in each epoch.

    Args:
        train: Training molecules: a PyG dataset, a subset of one, or a list of ``Data``.
        valid: Validation molecules; without any, use a trainer with ``limit_val_batches=0``.
        schedule: Its batch size and budget of pairs.
        machine: Its number of workers. (default: :obj:`None`)
        seed: The run's seed. (default: :obj:`0`)
    """

    def __init__(
        self,
        train: Sequence[Data] | Any,
        valid: Sequence[Data] | Any,
        schedule: Schedule,
        machine: Machine | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.train = train
        self.valid = valid
        self.schedule = schedule
        self.num_workers = 0 if machine is None else machine.num_workers
        self.seed = seed
        self._processes: int | None = None  # of the run that is gone on with

    def state_dict(self) -> dict[str, Any]:
        r"""What a checkpoint keeps of the data: how to tell whether they are the same when the run goes on."""
        processes = 1 if self.trainer is None else self.trainer.world_size
        return {"train": self._fingerprint, "processes": processes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        r"""Raises :class:`ValueError` unless the training molecules are those of the checkpoint."""
        if state_dict["train"] != self._fingerprint:
            raise ValueError(
                "the run was begun with other training molecules, so it cannot be resumed with these; give it the same "
                "data, or start another run in another folder"
            )
        self._processes = state_dict.get("processes", 1)

    @cached_property
    def _fingerprint(self) -> str:  # kept: of some datasets every molecule has to be looked at
        sizes = molecule_sizes(self.train)
        return f"{len(sizes)} molecules {hashlib.sha256(sizes.numpy().tobytes()).hexdigest()[:12]}"

    def train_dataloader(self) -> DataLoader:
        r"""Shuffled training batches, from where the run stands."""
        loader = self._loader(self.train, shuffle=True)
        if self.trainer is not None and self.schedule.max_pairs is not None:
            # Lightning would stop every epoch at the number of batches that the first had.
            trainer: Any = self.trainer
            trainer.reload_dataloaders_every_n_epochs = 1
        if self.trainer is not None and isinstance(loader.batch_sampler, SizeBucketBatchSampler):
            # Not left to Lightning, which sets the epoch after the loader's workers have begun.
            loop: Any = self.trainer.fit_loop
            epochs, batches = loop.epoch_progress.current, loop.epoch_loop.batch_progress.current
            done = batches.processed if epochs.started > epochs.processed else 0
            whole = done >= len(loader.batch_sampler)
            if done and not whole and self._processes not in (None, self.trainer.world_size):
                raise ValueError(
                    f"the run was interrupted within an epoch that {self._processes} processes shared, so "
                    f"{self.trainer.world_size} cannot go on with the rest of it; take as many as before"
                )
            loader.batch_sampler.set_epoch(epochs.processed + whole, start=0 if whole else done)
        return loader

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        r"""In training, one of several conformers a molecule, another in each epoch; else the first."""
        if self.trainer is None or not self.trainer.training:
            return batch
        return draw_conformers(batch, self.seed, self.trainer.current_epoch)

    def steps_per_epoch(self) -> int:
        r"""Updates of the first epoch."""
        return math.ceil(len(self._loader(self.train, shuffle=True)) / self.schedule.accumulate)

    def val_dataloader(self) -> DataLoader:
        r"""Validation batches, the same in every epoch."""
        return self._loader(self.valid, shuffle=False)

    def _loader(self, molecules: Sequence[Data] | Any, shuffle: bool) -> DataLoader:
        trainer = self.trainer
        return molecule_loader(
            molecules,
            self.schedule.batch_size,
            shuffle,
            self.seed,
            self.schedule.max_pairs,
            self.num_workers,
            rank=0 if trainer is None else trainer.global_rank,
            num_replicas=1 if trainer is None else trainer.world_size,
        )


def validation_rows(trainer: pl.Trainer, batch_idx: int, size: int) -> Tensor:
    r"""Positions in the dataset of a validation batch's molecules, ``[B]``.

    Args:
        trainer: The trainer that validates.
        batch_idx: Number of the batch in this process.
        size: B.

    Raises:
        ValueError: If several processes validate with a loader that does not say which molecules it gives.
    """
    sampler = getattr(trainer.val_dataloaders, "batch_sampler", None)
    if isinstance(sampler, SizeBucketBatchSampler):
        return torch.tensor(sampler.batch(batch_idx))
    if trainer.world_size > 1:
        raise ValueError(
            f"{trainer.world_size} processes validate with a {type(trainer.val_dataloaders).__name__} that may give "
            "molecules twice; use MoleculeDataModule, or a loader of pyg_moleblend.loader.molecule_loader"
        )
    return torch.arange(size) + (batch_idx << 32)  # in the order given
