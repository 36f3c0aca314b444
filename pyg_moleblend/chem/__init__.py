r"""From RDKit molecules to PyG data, in OGB's vocabulary: reading, hydrogens, conformers, names of molecules.

``flat.py`` holds many molecules in flat arrays, and the one walk over them; ``featurize.py`` is the only way in. Change
it for chemistry. How flat arrays become batches is next door in :mod:`pyg_moleblend.utils`; tables, files and
everything with rows are :mod:`pyg_moleblend.datasets`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.chem.conformers import (
        ConformerResult,
        Conformers,
        generate_conformer,
        generate_conformers,
        molecule_seed,
    )
    from pyg_moleblend.chem.descriptors import (
        descriptor_matrix,
        descriptor_names,
        fingerprint_counts,
        fingerprint_matrix,
    )
    from pyg_moleblend.chem.errors import MoleculeError
    from pyg_moleblend.chem.featurize import featurize
    from pyg_moleblend.chem.flat import FlatGraphs, MoleculeGraph
    from pyg_moleblend.chem.hydrogens import Hydrogens, apply_hydrogens
    from pyg_moleblend.chem.identity import Identity, identify, identify_all, murcko_scaffold, skeleton
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
    from pyg_moleblend.chem.quantum import QuantumLabels, quantum_labels, quantum_labels_at
    from pyg_moleblend.chem.sdf import read_sdf
    from pyg_moleblend.chem.shape import SHAPE_DESCRIPTORS, shape_descriptors, shape_tanimoto, usr

__all__ = [
    "SHAPE_DESCRIPTORS",
    "ConformerResult",
    "Conformers",
    "FlatGraphs",
    "Hydrogens",
    "Identity",
    "MoleculeChunk",
    "MoleculeError",
    "MoleculeGraph",
    "QuantumLabels",
    "apply_hydrogens",
    "batch_from_mols",
    "batch_from_smiles",
    "batch_of",
    "chunk_from_mols",
    "chunk_from_smiles",
    "data_list",
    "descriptor_matrix",
    "descriptor_names",
    "featurize",
    "fingerprint_counts",
    "fingerprint_matrix",
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
    "quantum_labels",
    "quantum_labels_at",
    "read_sdf",
    "shape_descriptors",
    "shape_tanimoto",
    "skeleton",
    "usr",
]

export_lazily(__name__)
