r"""QM9: small organic molecules with their DFT geometries and properties.

``sources.py`` reads the published files, ``geometry.py`` puts coordinates and graphs together, ``targets.py`` knows the
units. The split's seed and sizes are fixed: results depend on them.
"""

from pyg_moleblend.datasets.qm9.dataset import QM9

__all__ = ["QM9"]
