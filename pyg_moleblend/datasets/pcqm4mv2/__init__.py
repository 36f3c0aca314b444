r"""PCQM4Mv2 of OGB's large-scale challenge, in shards."""

from pyg_moleblend.datasets.pcqm4mv2.dataset import PCQM4Mv2

__all__ = ["PCQM4Mv2"]
