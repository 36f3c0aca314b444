r"""The Open Graph Benchmark's molecules, read without its package."""

from pyg_moleblend.datasets.ogb.dataset import OGBGraphProperty

__all__ = ["OGBGraphProperty"]
