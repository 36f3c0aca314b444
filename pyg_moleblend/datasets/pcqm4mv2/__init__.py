r"""PCQM4Mv2 of OGB's large-scale challenge, in shards.

``raw.py`` reads the published files row by row, ``reading.py`` makes a molecule of a SMILES and its record,
``build.py`` makes the shards once. Nothing here may shift a row.
"""

from pyg_moleblend.datasets.pcqm4mv2.dataset import PCQM4Mv2

__all__ = ["PCQM4Mv2"]
