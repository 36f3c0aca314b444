from collections.abc import Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader as MoleculesLoader

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
    r"""Batches of a :class:`SizeBucketBatchSampler`, as PyG's loader would give them.

    A dataset without a transform that has ``get_batch(positions)``, as ours have, makes each batch at once from its
    flat storage; of anything else the molecules are collated.

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
    settings: dict[str, Any] = {"num_workers": num_workers, "persistent_workers": num_workers > 0}
    if hasattr(molecules, "get_batch") and getattr(molecules, "transform", None) is None:
        return DataLoader(_Batches(molecules), batch_sampler=sampler, collate_fn=_as_it_is, **settings)
    return MoleculesLoader(molecules, batch_sampler=sampler, **settings)


class _Batches(Dataset[Batch]):
    r"""Gives a whole batch for the positions of its molecules, to a PyTorch loader with a batch sampler."""

    def __init__(self, molecules: Any) -> None:
        self.molecules = molecules

    def __len__(self) -> int:
        return len(self.molecules)

    def __getitems__(self, positions: list[int]) -> Batch:
        return self.molecules.get_batch(positions)


def _as_it_is(batch: Batch) -> Batch:
    return batch
