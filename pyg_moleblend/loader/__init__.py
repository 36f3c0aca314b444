r"""Batches of molecules of like size."""

from pyg_moleblend.loader.loaders import molecule_loader, molecule_sizes
from pyg_moleblend.loader.size_bucket import SizeBucketBatchSampler

__all__ = ["SizeBucketBatchSampler", "molecule_loader", "molecule_sizes"]
