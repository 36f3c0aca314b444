r"""Batches of molecules of like size."""

from pyg_moleblend.loader.loaders import molecule_loader
from pyg_moleblend.loader.size_bucket import SizeBucketBatchSampler
from pyg_moleblend.loader.sizes import molecule_sizes

__all__ = ["SizeBucketBatchSampler", "molecule_loader", "molecule_sizes"]
