r"""From RDKit molecules to PyG data, in OGB's vocabulary: reading, hydrogens, conformers, names of molecules.

``flat.py`` holds many molecules in flat arrays, and the one walk over them; ``featurize.py`` is the only way in. Change
it for chemistry. How flat arrays become batches is next door in :mod:`pyg_moleblend.utils`; tables, files and
everything with rows are :mod:`pyg_moleblend.datasets`.
"""

from pyg_moleblend.chem.conformers import (
    ConformerResult,
    Conformers,
    generate_conformer,
    generate_conformers,
    molecule_seed,
)
from pyg_moleblend.chem.errors import MoleculeError
from pyg_moleblend.chem.featurize import featurize
from pyg_moleblend.chem.flat import FlatGraphs, MoleculeGraph
from pyg_moleblend.chem.hydrogens import Hydrogens, apply_hydrogens
from pyg_moleblend.chem.identity import Identity, identify, identify_all, murcko_scaffold
from pyg_moleblend.chem.molecule import (
    MoleculeChunk,
    batch_from_mols,
    batch_from_smiles,
    batch_of,
    chunk_from_mols,
    chunk_from_smiles,
    data_list,
    from_mol,
    from_smiles,
)
from pyg_moleblend.chem.parse import parse_molblock, parse_smiles
from pyg_moleblend.chem.pyg_features import pyg_to_ogb_features
from pyg_moleblend.chem.sdf import read_sdf

__all__ = [
    "ConformerResult",
    "Conformers",
    "FlatGraphs",
    "Hydrogens",
    "Identity",
    "MoleculeChunk",
    "MoleculeError",
    "MoleculeGraph",
    "apply_hydrogens",
    "batch_from_mols",
    "batch_from_smiles",
    "batch_of",
    "chunk_from_mols",
    "chunk_from_smiles",
    "data_list",
    "featurize",
    "from_mol",
    "from_smiles",
    "generate_conformer",
    "generate_conformers",
    "identify",
    "identify_all",
    "molecule_seed",
    "murcko_scaffold",
    "parse_molblock",
    "parse_smiles",
    "pyg_to_ogb_features",
    "read_sdf",
]
