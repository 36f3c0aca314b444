r"""PyG transforms that attach or change what MoleBLEND reads."""

from pyg_moleblend.transforms.add_conformer import AddConformer
from pyg_moleblend.transforms.add_fragments import AddFragments
from pyg_moleblend.transforms.add_relations import AddRelations
from pyg_moleblend.transforms.add_rings import AddRings
from pyg_moleblend.transforms.perturb_positions import PerturbPositions

__all__ = ["AddConformer", "AddFragments", "AddRelations", "AddRings", "PerturbPositions"]
