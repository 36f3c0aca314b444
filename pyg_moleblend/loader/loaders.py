from collections.abc import Sequence
from typing import Any

from torch_geometric.data import Data
from torch_geometric.loader import DataLoader

from pyg_moleblend.loader.size_bucket import SizeBucketBatchSampler
from pyg_moleblend.loader.sizes import molecule_sizes


def molecule_loader(
    molecules: Sequence[Data] | Any,
    batch_size: int,
    shuffle: bool = False,
    seed: int = 0,
    max_pairs: int | None = None,
    num_workers: int = 0,
    rank: int = 0,
    num_replicas: int = 1,
) -> DataLoader:
    r"""PyG's loader with a :class:`SizeBucketBatchSampler`.

    Args:
        molecules: A PyG dataset, a subset of one, or a list of ``Data``.
        batch_size: Most molecules of a batch.
        shuffle: Whether each epoch has an order of its own.
        seed: Seed of the order.
        max_pairs: Most padded pairs of atoms of a batch.
        num_workers: Processes that collate batches.
        rank: Number of this process.
        num_replicas: Number of processes that share the molecules.
    """
    sampler = SizeBucketBatchSampler(
        molecule_sizes(molecules),
        batch_size,
        shuffle,
        seed,
        max_pairs=max_pairs,
        rank=rank,
        num_replicas=num_replicas,
    )
    return DataLoader(molecules, batch_sampler=sampler, num_workers=num_workers, persistent_workers=num_workers > 0)
