import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.chem.structure import CHIRALITIES, StructureError, with_structure, without_stereo

SMILES = [
    "CCO",
    "c1cn[nH]c1",  # either nitrogen may have the hydrogen
    "Cc1cn[nH]c1C",
    "C[C@H](N)C(=O)O",
    "F/C=C/C(C)=O",
    "[O-][N+](=O)c1ccccc1",
    "C[C@@H](O)[C@H](N)C",
    "NC(=N)N",
]


def record_of(smiles: str, seed: int = 0) -> Chem.Mol:
    r"""The molecule with a structure, its atoms and bonds shuffled, heavy atoms only."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    order = np.random.default_rng(seed).permutation(mol.GetNumAtoms()).tolist()
    block = Chem.MolToMolBlock(Chem.RenumberAtoms(mol, order))
    return Chem.MolFromMolBlock(block)


def kinds(mol: Chem.Mol) -> list[tuple[int, int, int]]:
    return [(atom.GetAtomicNum(), atom.GetFormalCharge(), atom.GetTotalNumHs()) for atom in mol.GetAtoms()]


def bonds(mol: Chem.Mol) -> set[tuple[int, int, str]]:
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), str(bond.GetBondType())) for bond in mol.GetBonds()]
    return {(min(i, j), max(i, j), kind) for i, j, kind in ends}


@pytest.mark.parametrize("smiles", SMILES)
@pytest.mark.parametrize("seed", range(5))
def test_every_atom_has_its_own_place(smiles: str, seed: int) -> None:
    mol, record = Chem.MolFromSmiles(smiles), record_of(smiles, seed)
    result = with_structure(mol, record)
    assert (kinds(result), bonds(result)) == (kinds(mol), bonds(mol))
    # Told from the coordinates alone: the record's atom at the same place has the same kind and neighbours.
    distance = np.linalg.norm(
        result.GetConformer().GetPositions()[:, None] - record.GetConformer().GetPositions()[None], axis=-1
    )
    order = distance.argmin(1)
    assert distance.min(1).max() == 0
    assert sorted(order) == list(range(mol.GetNumAtoms()))
    assert [kinds(record)[i] for i in order] == kinds(mol)
    assert {(min(order[i], order[j]), max(order[i], order[j]), kind) for i, j, kind in bonds(mol)} == bonds(record)
    # The stereochemistry is that of both, and of the structure.
    Chem.AssignStereochemistryFrom3D(result)
    assert Chem.MolToSmiles(result) == Chem.CanonSmiles(smiles)


def test_a_hydrogen_that_only_the_structure_needs_is_removed() -> None:
    record = record_of("[H]/N=C(/C)O")
    assert 1 in [z for z, *_ in kinds(record)]
    mol = Chem.MolFromSmiles("CC(O)=N")
    result = with_structure(mol, record)
    assert kinds(result) == kinds(mol)
    with_hydrogen = Chem.MolFromSmiles("[H]/N=C(/C)O")
    assert kinds(with_structure(with_hydrogen, record)) == kinds(with_hydrogen)


def test_the_policy_says_whose_stereochemistry_it_is() -> None:
    mol, record = Chem.MolFromSmiles("C[C@H](N)C(=O)O"), record_of("C[C@@H](N)C(=O)O")
    found = {policy: with_structure(mol, record, policy) for policy in CHIRALITIES}
    assert {policy: Chem.MolToSmiles(one) for policy, one in found.items()} == {
        "smiles": "C[C@H](N)C(=O)O",
        "structure": "C[C@@H](N)C(=O)O",
        "none": "CC(N)C(=O)O",
    }
    positions = [one.GetConformer().GetPositions() for one in found.values()]
    np.testing.assert_array_equal(positions[0], positions[1])
    np.testing.assert_array_equal(positions[0], positions[2])
    assert all(kinds(one) == kinds(mol) for one in found.values())
    assert Chem.MolToSmiles(mol) == "C[C@H](N)C(=O)O"
    assert Chem.MolToSmiles(without_stereo(Chem.MolFromSmiles("F/C=C/F"))) == "FC=CF"


@pytest.mark.parametrize(
    ("smiles", "other", "message"),
    [
        ("CCO", "CCN", "its SMILES is C2H6O, its record C2H7N"),
        ("CCO", "COC", "bonds of its SMILES and of its record differ"),
        ("CC(O)=C", "CC(=O)C", "bonds of its SMILES and of its record differ"),
        ("C[N+](=O)[O-]", "C[N+](=O)[O-].[H+]", "its SMILES is CH3NO2, its record CH4NO2+"),
    ],
)
def test_another_molecule_is_refused(smiles: str, other: str, message: str) -> None:
    with pytest.raises(StructureError, match=message.replace("+", r"\+")):
        with_structure(Chem.MolFromSmiles(smiles), record_of(other))


def test_a_record_without_a_structure_is_refused() -> None:
    mol = Chem.MolFromSmiles("CCO")
    with pytest.raises(StructureError, match="no 3D structure"):
        with_structure(mol, mol)


def test_an_unknown_policy_is_refused() -> None:
    mol = Chem.MolFromSmiles("C")
    with pytest.raises(ValueError, match=r"one of \('smiles', 'structure', 'none'\), got 'both'"):
        with_structure(mol, mol, "both")  # type: ignore[arg-type]
