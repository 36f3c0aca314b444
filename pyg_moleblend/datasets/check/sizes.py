r"""How large molecules are, and what their padding costs."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pyg_moleblend.loader import SizeBucketBatchSampler

EDGES = (1, 11, 21, 31, 51, 101, 201, 501, 1001)
_SHOWN = 5


class SizeReport(NamedTuple):
    r"""Atoms of the molecules of a dataset.

    Attributes:
        mean: Mean number of atoms.
        median: Their median.
        largest: Rows and atoms of the largest molecules, largest first.
        histogram: Molecules with at least so many atoms, and fewer than the next entry.
        batch_size: Molecules of the batches that the padding is of.
        padding_random: Padded pairs of atoms ÷ true ones in batches at random: a batch costs the square of its
            largest molecule.
        padding_bucketed: The same in batches of molecules of like size, as training makes them.
    """

    mean: float
    median: float
    largest: list[tuple[int, int]]
    histogram: list[tuple[int, int]]
    batch_size: int
    padding_random: float
    padding_bucketed: float


def describe_sizes(sizes: Tensor, rows: Tensor, batch_size: int = 32) -> SizeReport:
    r"""Describes the sizes of molecules.

    Args:
        sizes: Atoms of each molecule, int64 ``[M]``, at least one.
        rows: Rows of the molecules, int64 ``[M]``.
        batch_size: Molecules of a batch.

    Raises:
        ValueError: If there is no molecule.
    """
    if not len(sizes):
        raise ValueError("there is no molecule whose size could be told")
    first = sizes.argsort(descending=True, stable=True)[:_SHOWN]
    bins = torch.bucketize(sizes, torch.tensor(EDGES), right=True) - 1
    counts = torch.bincount(bins, minlength=len(EDGES)).tolist()
    return SizeReport(
        mean=float(sizes.double().mean()),
        median=float(np.median(sizes.numpy())),
        largest=list(zip(rows[first].tolist(), sizes[first].tolist(), strict=True)),
        histogram=list(zip(EDGES, counts, strict=True)),
        batch_size=batch_size,
        padding_random=_padding(sizes, SizeBucketBatchSampler(sizes, batch_size, shuffle=True, window=1)),
        padding_bucketed=_padding(sizes, SizeBucketBatchSampler(sizes, batch_size, shuffle=True)),
    )


def _padding(sizes: Tensor, sampler: SizeBucketBatchSampler) -> float:
    padded = sum(len(batch) * int(sizes[batch].max()) ** 2 for batch in sampler.batches())
    return padded / int((sizes**2).sum())
