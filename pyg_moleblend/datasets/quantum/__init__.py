r"""Quantum labels of whole tables: computed into a folder of parts, kept in one small file, read back as arrays.

``compute.py`` runs the workers, ``part.py`` is the layout of a part, ``compact.py`` that of the small file,
``stored.py`` the arrays. What the
labels of one molecule are stands in :mod:`pyg_moleblend.chem.quantum`.
"""

from pyg_moleblend.datasets.quantum.compact import read_quantum_labels, worst_errors, write_compact
from pyg_moleblend.datasets.quantum.compute import compute_quantum_labels
from pyg_moleblend.datasets.quantum.stored import StoredLabels, labelled_graphs

__all__ = [
    "StoredLabels",
    "compute_quantum_labels",
    "labelled_graphs",
    "read_quantum_labels",
    "worst_errors",
    "write_compact",
]
