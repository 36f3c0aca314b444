r"""Datasets whose rows never shift: every molecule knows its row, and every row that is none says why."""

from pyg_moleblend.datasets.base import MoleculeDataset
from pyg_moleblend.datasets.io.reading import Failure
from pyg_moleblend.datasets.moleculeace import MoleculeACE
from pyg_moleblend.datasets.moleculenet import MoleculeNet
from pyg_moleblend.datasets.ogb import OGBGraphProperty
from pyg_moleblend.datasets.pcqm4mv2 import PCQM4Mv2
from pyg_moleblend.datasets.qm9 import QM9
from pyg_moleblend.datasets.shards.dataset import MoleculeShards
from pyg_moleblend.datasets.table import MoleculeTable

__all__ = [
    "QM9",
    "Failure",
    "MoleculeACE",
    "MoleculeDataset",
    "MoleculeNet",
    "MoleculeShards",
    "MoleculeTable",
    "OGBGraphProperty",
    "PCQM4Mv2",
]
