r"""PyG transforms that attach or change what MoleBLEND reads."""

from pyg_moleblend.transforms.add_conformer import AddConformer
from pyg_moleblend.transforms.add_quantum_labels import AddQuantumLabels
from pyg_moleblend.transforms.add_relations import AddRelations
from pyg_moleblend.transforms.perturb_positions import PerturbPositions

__all__ = ["AddConformer", "AddQuantumLabels", "AddRelations", "PerturbPositions"]
