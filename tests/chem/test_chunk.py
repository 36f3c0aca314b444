import numpy as np
import pytest
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError, chunk_from_mols, chunk_from_smiles


def test_mols_and_smiles_give_the_same_graphs(moleculenet_smiles: dict[str, list[str]]) -> None:
    smiles = [s for sample in moleculenet_smiles.values() for s in sample[:20] if Chem.MolFromSmiles(s)]
    by_smiles = chunk_from_smiles(smiles)
    by_mols = chunk_from_mols([Chem.MolFromSmiles(text) for text in smiles])
    for one, other in zip(by_smiles.graphs, by_mols.graphs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_written_smiles_is_the_molecule(moleculenet_smiles: dict[str, list[str]]) -> None:
    smiles = [s for sample in moleculenet_smiles.values() for s in sample[:20] if Chem.MolFromSmiles(s)]
    written = chunk_from_mols([Chem.MolFromSmiles(text) for text in smiles]).smiles
    assert [Chem.CanonSmiles(text) for text in written] == [Chem.CanonSmiles(text) for text in smiles]


def test_given_smiles_are_stored() -> None:
    chunk = chunk_from_mols([Chem.MolFromSmiles("OCC")], smiles=["ethanol"])
    assert chunk.smiles == ["ethanol"]
    with pytest.raises(ValueError, match="one SMILES a molecule, got 1 for 2 molecules"):
        chunk_from_mols([Chem.MolFromSmiles("C")] * 2, smiles=["C"])


def test_hydrogens() -> None:
    assert chunk_from_smiles(["CO", "C"], "add").graphs.num_atoms.tolist() == [6, 5]
    mols = [Chem.AddHs(Chem.MolFromSmiles(text)) for text in ("CO", "C")]
    assert chunk_from_mols(mols).graphs.num_atoms.tolist() == [2, 1]
    assert chunk_from_mols(mols, "keep").graphs.num_atoms.tolist() == [6, 5]


def test_entry_that_is_no_molecule_is_named() -> None:
    with pytest.raises(MoleculeError, match="'number 1 of the molecules': expected an rdkit") as caught:
        chunk_from_mols([Chem.MolFromSmiles("C"), None])
    assert "parse_smiles" in caught.value.remedy
