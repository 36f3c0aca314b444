r"""The Open Graph Benchmark's molecules, read without its package: its own graphs, rows and splits.

``raw.py`` reads the published files, ``conformers.py`` puts coordinates onto graphs that were not made from SMILES,
``parity.py`` compares them with ours. Nothing here may shift a row.
"""

from pyg_moleblend.datasets.ogb.dataset import OGBGraphProperty

__all__ = ["OGBGraphProperty"]
