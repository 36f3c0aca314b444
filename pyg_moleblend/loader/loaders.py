r"""Loaders of molecules in batches of like size."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.loader.dataloader import Collater

from pyg_moleblend.loader.size_bucket import SizeBucketBatchSampler
from pyg_moleblend.runtime.worker_pool import WorkerError


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
        shuffle: Whether each epoch has an order of its own. (default: :obj:`False`)
        seed: Seed of the order. (default: :obj:`0`)
        max_pairs: Most padded pairs of atoms of a batch. (default: :obj:`None`)
        num_workers: Processes that collate batches. (default: :obj:`0`)
        rank: Number of this process. (default: :obj:`0`)
        num_replicas: Number of processes that share the molecules. (default: :obj:`1`)
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
    whole = hasattr(molecules, "get_batch") and getattr(molecules, "transform", None) is None
    data: Any = _Batches(molecules) if whole else molecules
    collate = _as_it_is if whole else Collater(molecules)
    if not num_workers:
        return DataLoader(data, batch_sampler=sampler, collate_fn=collate)
    return _WorkersLoader(
        data, batch_sampler=sampler, collate_fn=_Pickled(collate), num_workers=num_workers, persistent_workers=True
    )


def molecule_sizes(molecules: Sequence[Data] | Any) -> Tensor:
    r"""Atoms of each molecule, ``[M]`` int64.

    An :class:`~torch_geometric.data.InMemoryDataset` is read from its pointers, and what has ``num_atoms`` is asked for
    them; of anything else each molecule is looked at once.

    Args:
        molecules: A PyG dataset, a subset of one, or a list of ``Data``.
    """
    if isinstance(known := getattr(molecules, "num_atoms", None), Tensor):
        return known.long()
    if isinstance(molecules, InMemoryDataset) and molecules.slices is not None and "x" in molecules.slices:
        sizes = molecules.slices["x"].diff()
        return sizes[torch.as_tensor(molecules.indices(), dtype=torch.long)]
    return torch.tensor([molecules[i].num_nodes for i in range(len(molecules))], dtype=torch.long)


class _Batches(Dataset[Batch]):
    r"""Gives a whole batch for the positions of its molecules, to a PyTorch loader with a batch sampler."""

    def __init__(self, molecules: Any) -> None:
        self.molecules = molecules

    def __len__(self) -> int:
        return len(self.molecules)

    def __getitems__(self, positions: list[int]) -> Batch:
        return self.molecules.get_batch(positions)


class _Pickled:
    r"""Collates a batch into bytes."""

    def __init__(self, collate: Callable[[Any], Batch]) -> None:
        self.collate = collate

    def __call__(self, molecules: Any) -> bytes:
        return pickle.dumps(self.collate(molecules), pickle.HIGHEST_PROTOCOL)


class _WorkersLoader(DataLoader[Any]):
    r"""Has its workers send batches through their pipes.

    PyTorch's own way is shared memory, of which a container may have next to nothing.
    """

    def __iter__(self) -> Any:
        return _loaded(super().__iter__())


def _loaded(batches: Iterator[bytes]) -> Iterator[Batch]:
    while True:
        try:
            packed = next(batches)
        except StopIteration:
            return
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker (pid"):
                raise
            raise WorkerError(
                f"a process that makes batches was ended from outside, for want of memory say ({error}); take fewer of "
                "them (num_workers, --machine.num-workers; 0 does without)"
            ) from error
        yield pickle.loads(packed)


def _as_it_is(batch: Batch) -> Batch:
    return batch
