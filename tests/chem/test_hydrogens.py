import numpy as np
import pytest
from rdkit import Chem

from pyg_moleblend.chem import Hydrogens, MoleculeError, apply_hydrogens, parse_molblock, parse_smiles


@pytest.mark.parametrize(
    ("smiles", "remove", "keep", "add"),
    [
        ("CCO", 3, 3, 9),
        ("[H]C([H])([H])O", 2, 5, 6),
        ("[2H]C", 2, 2, 5),
        ("[H][H]", 2, 2, 2),
        ("[H+]", 1, 1, 1),
        ("[2H][2H]", 2, 2, 2),
        ("[H-].[Na+]", 2, 2, 2),
        ("[H]*", 2, 2, 2),
        ("[H]/N=C/F", 4, 4, 5),
    ],
)
def test_number_of_atoms(smiles: str, remove: int, keep: int, add: int) -> None:
    assert parse_smiles(smiles).GetNumAtoms() == remove == Chem.MolFromSmiles(smiles).GetNumAtoms()
    assert parse_smiles(smiles, "keep").GetNumAtoms() == keep
    assert parse_smiles(smiles, Hydrogens.ADD).GetNumAtoms() == add


def test_removing_from_a_molecule_equals_removing_while_parsing(varied_smiles: list[str]) -> None:
    for text in varied_smiles:
        if text == "[H]/C(F)=C([H])\\C([H])=C(/[H])Br":
            continue  # RDKit's own two ways differ in which stereo-defining hydrogen they keep
        parsed = parse_smiles(text)
        for policy in ("keep", "add"):
            removed = apply_hydrogens(parse_smiles(text, policy), "remove")
            assert Chem.MolToSmiles(removed) == Chem.MolToSmiles(parsed), text
            again = apply_hydrogens(removed, "remove")
            assert again.GetNumAtoms() == removed.GetNumAtoms() > 0


def test_nothing_to_do_is_no_copy() -> None:
    mol = Chem.MolFromSmiles("CCO")
    assert apply_hydrogens(mol, "remove") is mol
    assert apply_hydrogens(mol, "keep") is mol


def test_coordinates_follow_their_atoms() -> None:
    # The first and third atom are hydrogens.
    text = "[H]C([H])([H])O |(9,9,9;0,0,0;8,8,8;7,7,7;1.4,0,0.1)|"
    removed = apply_hydrogens(parse_smiles(text, "keep"), "remove")
    assert removed.GetConformer().GetPositions().tolist() == [[0, 0, 0], [1.4, 0, 0.1]]
    assert parse_smiles(text).GetConformer().GetPositions().tolist() == [[0, 0, 0], [1.4, 0, 0.1]]


def test_added_hydrogens_have_places() -> None:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("CO |(0,0,0;1.4,0,0.1)|"))
    positions = parse_molblock(block, "add").GetConformer().GetPositions()
    assert positions.shape == (6, 3)
    distance = np.linalg.norm(positions[:, None] - positions, axis=-1) + 9 * np.eye(6)
    assert distance.min() > 0.9


def test_input_is_not_modified() -> None:
    mol = parse_smiles("[H]C([H])([H])O", "keep")
    before = mol.ToBinary()
    apply_hydrogens(mol, "remove")
    apply_hydrogens(mol, "add")
    assert mol.ToBinary() == before


def test_unknown_policy() -> None:
    with pytest.raises(ValueError, match=r"one of \['remove', 'keep', 'add'\], got 'none'"):
        apply_hydrogens(Chem.MolFromSmiles("C"), "none")


def test_rdkits_failure_is_reported() -> None:
    mol = Chem.MolFromSmiles("[H]N(C)(C)(C)C", sanitize=False)
    with pytest.raises(MoleculeError, match="RDKit cannot remove its hydrogens: Explicit valence"):
        apply_hydrogens(mol, "remove")
