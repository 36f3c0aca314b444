import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from pyg_moleblend.chem import MoleculeError, generate_conformer, molecule_seed, parse_smiles
from pyg_moleblend.chem.conformers import FRAGMENT_GAP, RUNGS, Conformers, generate_conformers, generate_with_hydrogens


def positions(smiles: str, seed: int = 0, hydrogens: str = "remove") -> np.ndarray:
    mol = parse_smiles(smiles, hydrogens)
    found = generate_conformer(mol, seed)
    assert found.GetNumConformers() == 1
    assert found.GetConformer().Is3D()
    assert [a.GetAtomicNum() for a in found.GetAtoms()] == [a.GetAtomicNum() for a in mol.GetAtoms()]
    return np.array(found.GetConformer().GetPositions())


def closest(at: np.ndarray) -> float:
    return float((np.linalg.norm(at[:, None] - at, axis=-1) + 99 * np.eye(len(at))).min())


def test_bonds_have_their_lengths() -> None:
    at = positions("CCO")
    assert np.linalg.norm(at[0] - at[1]) == pytest.approx(1.52, abs=0.05)
    assert np.linalg.norm(at[1] - at[2]) == pytest.approx(1.41, abs=0.05)


@pytest.mark.parametrize("smiles", ["C", "[Na+]", "[H][H]", "[2H]C", "*CC*", "F[U](F)(F)(F)(F)F"])
def test_tiny_and_odd_molecules(smiles: str) -> None:
    at = positions(smiles)
    assert np.isfinite(at).all()
    assert closest(at) > 0.5


def test_same_molecule_same_seed_same_conformer() -> None:
    smiles = "CC(C)Cc1ccc(cc1)C(C)C(=O)O"
    one, again, other = positions(smiles, 1), positions(smiles, 1), positions(smiles, 2)
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


def test_another_process_gives_the_same_conformer() -> None:
    code = (
        "from pyg_moleblend.chem import *; m = generate_conformer(parse_smiles('CCOC(=O)CC'), 7); "
        "print(m.GetConformer().GetPositions().tobytes().hex()); "
        # OGB's import takes seconds and starts a network thread: nothing of ours may cause it.
        "import sys; assert 'ogb' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == positions("CCOC(=O)CC", 7).tobytes().hex()


def test_seed_depends_on_molecule_and_user_only() -> None:
    ethanol = molecule_seed(parse_smiles("CCO"), 0)
    assert ethanol == molecule_seed(parse_smiles("OCC"), 0)
    assert len({ethanol, molecule_seed(parse_smiles("CCO"), 1), molecule_seed(parse_smiles("CCN"), 0)}) == 3
    assert 0 < ethanol < 2**31


@pytest.mark.parametrize("smiles", ["[Na+].[Cl-]", "N.N", "[F:1][C:2][F:3].[CH2:4]=[CH2:5]", "Cl.c1ccccc1.O.CCO"])
def test_fragments_stand_apart(smiles: str) -> None:
    for hydrogens in ("remove", "add"):
        at = positions(smiles, hydrogens=hydrogens)
        fragments = Chem.GetMolFrags(parse_smiles(smiles, hydrogens))
        boxes = sorted((at[list(atoms), 0].min(), at[list(atoms), 0].max()) for atoms in fragments)
        gaps = [right[0] - left[1] for left, right in pairwise(boxes)]
        assert len(gaps) == len(fragments) - 1
        assert min(gaps) >= FRAGMENT_GAP - 1e-5
        if hydrogens == "add":  # then the boxes are those that were laid out
            assert gaps == pytest.approx([FRAGMENT_GAP] * len(gaps))


def test_stereochemistry_is_kept() -> None:
    for smiles in ("C[C@H](F)Cl", "C[C@@H](F)Cl", "F/C=C/F", "F/C=C\\F", "C[C@H]1C[C@H](Cl)CC1"):
        mol = generate_conformer(parse_smiles(smiles, "add"))
        seen = Chem.Mol(mol)
        Chem.AssignStereochemistryFrom3D(seen)
        assert Chem.MolToSmiles(seen) == Chem.MolToSmiles(mol)


def test_input_is_not_modified_and_old_conformers_go() -> None:
    mol = Chem.MolFromSmiles("CO |(0,0,0;9,0,0.2)|")
    before = mol.ToBinary()
    found = generate_conformer(mol)
    assert mol.ToBinary() == before
    assert found.GetNumConformers() == 1
    assert np.ptp(found.GetConformer().GetPositions()[:, 0]) < 2


def test_failure_says_why_in_bounded_time() -> None:
    # A strained cage with impossible stereochemistry.
    smiles = "C1[C@H]2[C@@H]3O[C@@H]3[C@@H]1[C@@]13O[C@@]21[C@@H]1C[C@H]3[C@@H]2O[C@@H]21"
    start = time.perf_counter()
    with pytest.raises(MoleculeError, match="no conformer was found") as caught:
        generate_conformer(parse_smiles(smiles), deadline=1)
    assert time.perf_counter() - start < 15
    assert "CHECK_TETRAHEDRAL_CENTERS" in caught.value.reason
    assert "from random coordinates" in caught.value.reason


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="positive number of seconds, got 0"):
        generate_conformer(parse_smiles("C"), deadline=0)
    with pytest.raises(MoleculeError, match="no atoms"):
        generate_conformer(Chem.Mol())


SALT = "CC(C)Cc1ccc(cc1)C(C)C(=O)[O-].[Na+]"
IMPOSSIBLE = "F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F"  # no tetrahedron of carbons has these handednesses


def test_the_first_of_several_conformers_is_the_only_one_of_one() -> None:
    mol = parse_smiles(SALT)
    one, four = (generate_conformers(mol, Conformers(seed=5, count=count)) for count in (1, 4))
    assert four.positions.shape == (4, mol.GetNumAtoms(), 3)
    assert four.positions.dtype == np.float32
    assert (four.method, four.cause) == ("ETKDGv3", "")
    np.testing.assert_array_equal(one.positions[0], four.positions[0])
    np.testing.assert_allclose(generate_conformer(mol, 5).GetConformer().GetPositions(), one.positions[0])
    shapes = [np.linalg.norm(at[:, None] - at, axis=-1) for at in four.positions]
    assert all(np.abs(a - b).max() > 0.1 for i, a in enumerate(shapes) for b in shapes[:i])
    for at in four.positions:  # the sodium stands apart in each
        assert np.linalg.norm(at[-1] - at[:-1], axis=-1).min() >= FRAGMENT_GAP - 1e-5


def mmff_energy(smiles: str, settings: Conformers) -> float:
    mol = parse_smiles(smiles, "add")
    mol.RemoveAllConformers()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(generate_conformers(mol, settings).positions[0].astype(float))
    mol.AddConformer(conformer)
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    return rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties).CalcEnergy()


def test_mmff_lowers_the_energy() -> None:
    raw, relaxed = (mmff_energy("CC(=O)Oc1ccccc1C(=O)O", Conformers(optimize=on)) for on in (False, True))
    assert relaxed < raw - 5


def test_without_parameters_of_mmff_etkdg_stays_and_the_cause_is_kept() -> None:
    mol = parse_smiles("CCB(O)O")
    raw, relaxed = (generate_conformers(mol, Conformers(count=2, optimize=on)) for on in (False, True))
    np.testing.assert_array_equal(raw.positions, relaxed.positions)
    assert (raw.cause, relaxed.method, relaxed.cause) == ("", "ETKDGv3", "ETKDGv3: MMFF94 has no parameters for it")


def test_the_ladder_begins_where_it_is_told_to() -> None:
    mol = parse_smiles("CCO")
    found = [generate_conformers(mol, Conformers(count=2, deadline=3), rung) for rung in range(len(RUNGS))]
    assert tuple(result.method for result in found) == RUNGS
    assert [np.isfinite(result.positions).all() for result in found] == [True, True, False]
    assert found[1].cause == "ETKDGv3: ended by the deadline of 3 s, or a crash"
    assert np.isnan(found[2].positions).all()
    assert found[2].positions.shape == (2, 3, 3)
    assert "from random coordinates: ended by the deadline" in found[2].cause
    impossible = generate_conformers(parse_smiles(IMPOSSIBLE), Conformers(count=2))
    assert (impossible.method, np.isnan(impossible.positions).all()) == ("none", True)
    assert "FIRST_MINIMIZATION" in impossible.cause
    with pytest.raises(ValueError, match="must be 0 to 2, got 3"):
        generate_conformers(mol, Conformers(), 3)


def test_settings_are_checked_and_say_everything() -> None:
    with pytest.raises(ValueError, match="at least 1 conformer, got 0"):
        Conformers(count=0)
    with pytest.raises(ValueError, match="positive number of seconds, got nan"):
        Conformers(deadline=float("nan"))
    settings = Conformers(1, 2, True, 3.0)
    assert repr(settings) == "Conformers(seed=1, count=2, optimize=True, deadline=3.0)"
    assert Conformers(**settings.to_dict()) == settings


@pytest.mark.parametrize("smiles", ["CCO", "CC(=O)[O-].[NH4+]", "[2H]C"])
def test_hydrogens_come_after_the_atoms_of_the_molecule(smiles: str) -> None:
    mol, settings = parse_smiles(smiles), Conformers(2, count=2, optimize=True)
    whole = generate_with_hydrogens(mol, settings)
    bare = generate_conformers(mol, settings)
    assert whole.positions.shape == (2, Chem.AddHs(mol).GetNumAtoms(), 3)
    np.testing.assert_array_equal(whole.positions[:, : mol.GetNumAtoms()], bare.positions)
    for bond in list(Chem.AddHs(mol).GetBonds())[mol.GetNumBonds() :]:
        at = whole.positions[:, [bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()]]
        np.testing.assert_allclose(np.linalg.norm(at[:, 0] - at[:, 1], axis=-1), 1.05, atol=0.1)
