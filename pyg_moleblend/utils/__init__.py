r"""Layouts of molecules, flat and dense, and shortest paths: tensors on any device, nothing of RDKit or of models.

``paths.py`` is the one search for shortest paths, ``flat_batch.py`` cuts molecules and batches from flat storage,
``molecules.py`` packs a batch for the models. What a field is, and its level, is said in :mod:`pyg_moleblend.fields`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.utils.dense import to_dense_atom, to_dense_pair
    from pyg_moleblend.utils.molecules import MODALITIES, DenseMolecules, Modality, pack
    from pyg_moleblend.utils.paths import ShortestPaths, bond_paths, dense_bonds, shortest_paths

__all__ = [
    "MODALITIES",
    "DenseMolecules",
    "Modality",
    "ShortestPaths",
    "bond_paths",
    "dense_bonds",
    "pack",
    "shortest_paths",
    "to_dense_atom",
    "to_dense_pair",
]

export_lazily(__name__)
