r"""The MoleculeNet benchmark, in PyG's folders, with OGB's features."""

from pyg_moleblend.datasets.moleculenet.dataset import MoleculeNet

__all__ = ["MoleculeNet"]
