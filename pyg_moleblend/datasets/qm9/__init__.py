r"""QM9: small organic molecules with their DFT geometries and properties."""

from pyg_moleblend.datasets.qm9.dataset import QM9

__all__ = ["QM9"]
