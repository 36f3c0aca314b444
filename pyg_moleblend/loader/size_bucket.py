r"""The batch sampler that keeps padding small."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import Sampler

WINDOW: int = 20
r"""Batches of a window, by default: padded pairs are then about 1.16 times the true ones, at random 3.8 times."""


class SizeBucketBatchSampler(Sampler[list[int]]):
    r"""Puts molecules of like size into one batch, because padding costs the square of the largest.

    The molecules, in a shuffled order, are cut into windows of some batches, each window is sorted by size
    and cut into batches, and the batches are shuffled. Every molecule comes once an epoch, over all ranks
    together. All ranks have equally many batches: where the number of batches is not a multiple of the ranks,
    some batches are halved.

    For ``torch_geometric.loader.DataLoader(batch_sampler=...)`` and Lightning, which sets the epoch by itself;
    it wants ``Trainer(use_distributed_sampler=False)``.

    Args:
        sizes: Atoms of each molecule, ``[M]``.
        batch_size: Most molecules of a batch.
        shuffle: Whether each epoch has an order of its own; without it the order is always the same.
        seed: Seed of the order, together with the epoch.
        window: Batches of a window.
        max_pairs: Most padded pairs of atoms ``B * N²`` of a batch, ``N`` being its largest molecule; no limit
            by default. The number of batches then differs a little from epoch to epoch.
        rank: Number of this process.
        num_replicas: Number of processes.

    Raises:
        ValueError: If an argument is out of its range, a molecule alone exceeds ``max_pairs``, or there are fewer
            molecules than processes.
    """

    def __init__(
        self,
        sizes: Tensor | Sequence[int],
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        window: int = WINDOW,
        max_pairs: int | None = None,
        rank: int = 0,
        num_replicas: int = 1,
    ) -> None:
        self.sizes = torch.as_tensor(sizes, dtype=torch.long)
        for name, value in (("batch_size", batch_size), ("window", window), ("num_replicas", num_replicas)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, got {value}")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"`rank` must be from 0 to num_replicas - 1 = {num_replicas - 1}, got {rank}")
        if self.sizes.dim() != 1 or len(self.sizes) < num_replicas:
            raise ValueError(
                f"`sizes` must hold the atoms of at least {num_replicas} molecules, one a process, "
                f"got shape {list(self.sizes.shape)}"
            )
        largest = int(self.sizes.max())
        if max_pairs is not None and largest**2 > max_pairs:
            raise ValueError(
                f"molecule {int(self.sizes.argmax())} has {largest} atoms and so {largest**2} pairs, more than "
                f"max_pairs={max_pairs}; raise the budget or leave the molecule out"
            )
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.window = window
        self.max_pairs = max_pairs
        self.rank = rank
        self.num_replicas = num_replicas
        self.epoch = -1
        self.start = 0
        self._batches: list[list[int]] = []
        self.set_epoch(0)

    @property
    def sampler(self) -> "SizeBucketBatchSampler":
        r"""Itself: Lightning calls ``set_epoch`` on a batch sampler's ``sampler``."""
        return self

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        r"""Chooses the order.

        Args:
            epoch: Number of the epoch.
            start: The batch to begin with, where this many of the epoch were taken before an interruption. The
                length stays that of the whole epoch, and so does the beginning until another epoch is set.
        """
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0
            self._batches = self._plan()
        self.start = max(self.start, start)

    def batches(self) -> list[list[int]]:
        r"""This rank's batches of the epoch, each a list of positions in the dataset."""
        return self._batches[self.rank :: self.num_replicas]

    def __iter__(self) -> Iterator[list[int]]:
        yield from self.batches()[self.start :]

    def __len__(self) -> int:
        return len(self._batches) // self.num_replicas

    def _plan(self) -> list[list[int]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        count = len(self.sizes)
        order = torch.randperm(count, generator=generator) if self.shuffle else torch.arange(count)
        batches: list[list[int]] = []
        for part in order.split(self.window * self.batch_size):
            batches += self._cut(part[self.sizes[part].argsort(stable=True)])
        while len(batches) % self.num_replicas:
            if len(batches) == count:
                raise ValueError(
                    f"{count} batches of one molecule cannot be dealt evenly to {self.num_replicas} processes; "
                    "raise `batch_size` or take fewer processes"
                )
            longest = max(range(len(batches)), key=lambda number: len(batches[number]))
            half = len(batches[longest]) // 2
            batches[longest : longest + 1] = [batches[longest][:half], batches[longest][half:]]
        if self.shuffle:
            batches = [batches[number] for number in torch.randperm(len(batches), generator=generator).tolist()]
        return batches

    def _cut(self, ascending: Tensor) -> list[list[int]]:
        if self.max_pairs is None:
            return [batch.tolist() for batch in ascending.split(self.batch_size)]
        batches: list[list[int]] = [[]]
        for molecule, size in zip(ascending.tolist(), self.sizes[ascending].tolist(), strict=True):
            full = len(batches[-1]) == self.batch_size
            if full or (len(batches[-1]) + 1) * size**2 > self.max_pairs:
                batches.append([])
            batches[-1].append(molecule)
        return batches
