r"""Datasets whose rows never shift: every molecule knows its row, and every row that is none says why.

``base.py``, ``cached.py`` and ``benchmark.py`` are of datasets in memory, ``shards/`` of those on disk; both hold what
``io/`` reads. A published source has a folder of its own, and none of them knows of another. Change it for a source, or
for what is stored. Chemistry is :mod:`pyg_moleblend.chem`, which molecules are for what is :mod:`pyg_moleblend.splits`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
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

export_lazily(__name__)
