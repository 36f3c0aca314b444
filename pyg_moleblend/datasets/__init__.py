r"""Datasets."""

from pyg_moleblend.datasets.moleculenet import MoleculeNet
from pyg_moleblend.datasets.qm9 import QM9

__all__ = ["QM9", "MoleculeNet"]
