r"""PyG transforms that attach or change what models read, one a file.

Each works on a ``Data``, some on a whole ``Batch``. Fields of your own are declared in :mod:`pyg_moleblend.fields`.
"""

from pyg_moleblend.transforms.add_conformer import AddConformer
from pyg_moleblend.transforms.add_descriptors import AddDescriptors
from pyg_moleblend.transforms.add_fragments import AddFragments
from pyg_moleblend.transforms.add_quantum_labels import AddQuantumLabels
from pyg_moleblend.transforms.add_relations import AddRelations
from pyg_moleblend.transforms.add_rings import AddRings
from pyg_moleblend.transforms.add_shape import AddShape
from pyg_moleblend.transforms.perturb_positions import PerturbPositions

__all__ = [
    "AddConformer",
    "AddDescriptors",
    "AddFragments",
    "AddQuantumLabels",
    "AddRelations",
    "AddRings",
    "AddShape",
    "PerturbPositions",
]
