r"""RDKit molecules to PyG data, in OGB's vocabulary."""

from pyg_moleblend.chem.batch import batch_from_mols, batch_from_smiles, batch_of
from pyg_moleblend.chem.chunk import MoleculeChunk, chunk_from_mols, chunk_from_smiles
from pyg_moleblend.chem.errors import MoleculeError
from pyg_moleblend.chem.featurize import FlatGraphs, featurize
from pyg_moleblend.chem.hydrogens import Hydrogens, apply_hydrogens
from pyg_moleblend.chem.molecule import data_list, from_mol, from_smiles
from pyg_moleblend.chem.parse import parse_molblock, parse_smiles
