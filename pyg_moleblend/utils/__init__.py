r"""Dense layouts and shortest paths: tensors only, on any device."""

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
