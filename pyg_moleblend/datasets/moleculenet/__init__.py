r"""The MoleculeNet benchmark, in PyG's folders, with OGB's features: one class, and a line for each of its sets."""

from pyg_moleblend.datasets.moleculenet.dataset import MoleculeNet

__all__ = ["MoleculeNet"]
