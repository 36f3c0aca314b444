r"""Batches of molecules of like size, and one of several conformers in every epoch.

Change it for the order and the size of batches. How a batch is cut from storage is
:mod:`pyg_moleblend.utils.flat_batch`, what Lightning is told of it :mod:`pyg_moleblend.training.data`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.loader.loaders import molecule_loader, molecule_sizes
    from pyg_moleblend.loader.size_bucket import SizeBucketBatchSampler

__all__ = ["SizeBucketBatchSampler", "molecule_loader", "molecule_sizes"]

export_lazily(__name__)
