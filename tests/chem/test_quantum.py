import random
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rdkit import Chem
from scipy.spatial.transform import Rotation

from pyg_moleblend.chem import Conformers, MoleculeError, generate_conformers, parse_smiles, quantum
from pyg_moleblend.chem.conformers import generate_with_hydrogens
from pyg_moleblend.chem.quantum import PROPERTIES, SOLVENTS, quantum_labels, quantum_labels_at

interface = pytest.importorskip("tblite.interface", reason="needs the extra [quantum]")


def value(smiles: str, name: str) -> float:
    return float(quantum_labels(smiles).properties[PROPERTIES.index(name)])


def structure(smiles: str) -> tuple[Chem.Mol, np.ndarray]:
    r"""A molecule and its coordinates, hydrogens included."""
    mol = parse_smiles(smiles)
    return mol, generate_with_hydrogens(mol, Conformers(optimize=True)).positions[0].astype(np.float64)


@pytest.mark.parametrize("smiles", ["CC(=O)NC", "CC(=O)[O-]", "C[N+](C)(C)C", "C[CH]C"])
def test_numbers_are_those_of_tblite_called_by_hand(smiles: str) -> None:
    mol, positions = structure(smiles)
    whole = Chem.AddHs(mol)
    numbers = np.array([atom.GetAtomicNum() for atom in whole.GetAtoms()])
    charge, unpaired = Chem.GetFormalCharge(mol), int("[CH]" in smiles)

    def run(solvent: str | None = None) -> Any:
        calculator = interface.Calculator("GFN2-xTB", numbers, positions / 0.529177210903, charge, unpaired)
        calculator.set("verbosity", 0)
        if solvent:
            calculator.add("alpb-solvation", solvent)
        return calculator.singlepoint()

    labels, gas = quantum_labels_at(mol, positions), run()
    energies = [(run(solvent)["energy"] - gas["energy"]) * 627.509474 for solvent in SOLVENTS]
    np.testing.assert_allclose(labels.properties[:3], energies, atol=1e-3)
    occupations, orbitals = gas["orbital-occupations"], gas["orbital-energies"] * 27.211386
    assert labels.properties[3] == pytest.approx(orbitals[occupations > 0.5].max(), abs=1e-5)
    assert labels.properties[4] == pytest.approx(orbitals[occupations < 0.5].min(), abs=1e-5)
    assert labels.properties[5] == pytest.approx(labels.properties[4] - labels.properties[3])
    charges = gas["charges"]
    for atom in mol.GetAtoms():
        number = atom.GetIdx()
        assert labels.charges[number, 0] == pytest.approx(charges[number], abs=1e-6)
        neighbours = whole.GetAtomWithIdx(number).GetNeighbors()
        hydrogens = sum(charges[other.GetIdx()] for other in neighbours if other.GetIdx() >= mol.GetNumAtoms())
        assert labels.charges[number, 1] == pytest.approx(hydrogens, abs=1e-6)
    if not charge:  # else it depends on the origin
        assert labels.properties[6] == pytest.approx(np.linalg.norm(gas["dipole"]) * 2.541746, abs=1e-4)
    if not unpaired:
        size = mol.GetNumAtoms()
        np.testing.assert_allclose(labels.bond_orders, gas["bond-orders"][:size, :size, 0], atol=1e-6)


def test_water_and_methanol_as_experiment_has_them() -> None:
    assert value("O", "dipole") == pytest.approx(1.85, abs=0.5)  # D
    assert value("C", "dipole") == pytest.approx(0, abs=1e-2)
    assert value("O", "solvation_water") == pytest.approx(-6.3, abs=3.5)  # kcal/mol
    assert value("C", "solvation_water") > value("CO", "solvation_water") + 3
    assert value("CCCCCCO", "solvation_water") > value("CCCCCCO", "solvation_octanol")
    assert value("O", "solvation_water") < value("O", "solvation_octanol") < value("O", "solvation_hexane")


def test_energy_of_atomization_of_methane() -> None:
    assert value("C", "atomization") * 5 == pytest.approx(-420 / 23.06, rel=0.25)  # 420 kcal/mol, 5 atoms
    assert value("[He]", "atomization") == pytest.approx(0, abs=1e-6)
    assert value("C=C", "atomization") < value("CC", "atomization") < 0  # an atom: fewer of them are hydrogens


def test_bond_orders_ascend_from_ethane_to_ethyne() -> None:
    orders = [quantum_labels(smiles).bond_orders[0, 1] for smiles in ("CC", "C=C", "C#C")]
    np.testing.assert_allclose(orders, [1, 2, 3], atol=0.1)


@pytest.mark.parametrize("smiles", ["CCO", "CC(=O)[O-]", "C[NH3+]", "[O-][N+](=O)c1ccccc1", "C[CH2]", "[Na+].[Cl-]"])
def test_charges_sum_to_that_of_the_molecule(smiles: str) -> None:
    mol = parse_smiles(smiles)
    labels = quantum_labels(mol)
    assert labels.charges.sum() == pytest.approx(Chem.GetFormalCharge(mol), abs=1e-5)
    assert labels.charges.shape == (mol.GetNumAtoms(), 2)
    without = [atom.GetIdx() for atom in mol.GetAtoms() if not atom.GetTotalNumHs()]
    assert not labels.charges[without, 1].any()
    np.testing.assert_allclose(labels.bond_orders, labels.bond_orders.T)
    assert not labels.bond_orders.diagonal().any()


def test_radicals_have_their_unpaired_electrons() -> None:
    triplet, singlet = quantum_labels("[O][O]"), quantum_labels("O=O")
    assert triplet.bond_orders[0, 1] == pytest.approx(2, abs=0.1)
    assert triplet.properties[PROPERTIES.index("gap")] > singlet.properties[PROPERTIES.index("gap")] + 1
    nitric = parse_smiles("[N]=O")
    nitric.GetAtomWithIdx(0).SetNumRadicalElectrons(0)
    with pytest.raises(MoleculeError, match="15 electrons of which 0 are unpaired are impossible"):
        quantum_labels(nitric)


@pytest.mark.parametrize("smiles", ["OCC(=O)N", "OCC(=O)[O-]"])
def test_rotation_and_translation_change_nothing(smiles: str) -> None:
    mol, positions = structure(smiles)
    moved = positions @ Rotation.random(random_state=0).as_matrix().T + [3, -5, 7]
    one, other = quantum_labels_at(mol, positions), quantum_labels_at(mol, moved)
    np.testing.assert_allclose(one.properties[:3], other.properties[:3], atol=0.03)  # the surface is a grid's
    for name in ("charges", "bond_orders"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=2e-4)
    np.testing.assert_allclose(one.properties[3:], other.properties[3:], atol=2e-4)


def test_atoms_in_another_order_have_the_same_labels() -> None:
    mol, positions = structure("OCC(=O)NC")
    order = random.Random(0).sample(range(mol.GetNumAtoms()), mol.GetNumAtoms())
    parent = [atom.GetNeighbors()[0].GetIdx() for atom in list(Chem.AddHs(mol).GetAtoms())[mol.GetNumAtoms() :]]
    hydrogens = [mol.GetNumAtoms() + k for atom in order for k in range(len(parent)) if parent[k] == atom]
    one = quantum_labels_at(mol, positions)
    other = quantum_labels_at(Chem.RenumberAtoms(mol, order), positions[order + hydrogens])
    np.testing.assert_allclose(other.properties, one.properties, atol=2e-4)
    np.testing.assert_allclose(other.charges, one.charges[order], atol=2e-4)
    np.testing.assert_allclose(other.bond_orders, one.bond_orders[np.ix_(order, order)], atol=2e-4)


def test_labels_follow_from_molecule_and_seed() -> None:
    mol = parse_smiles("CCCOC(=O)CN")
    before = Chem.MolToSmiles(mol), mol.GetNumConformers()
    one, again, other = quantum_labels(mol, 1), quantum_labels("CCCOC(=O)CN", 1), quantum_labels(mol, 2)
    assert (Chem.MolToSmiles(mol), mol.GetNumConformers()) == before
    for name in ("properties", "charges", "bond_orders"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert abs(one.properties - other.properties).max() > 1e-2
    # The structure is the one that a dataset with conformers has.
    settings = Conformers(1, optimize=True)
    whole = generate_with_hydrogens(mol, settings).positions[0]
    np.testing.assert_array_equal(whole[: mol.GetNumAtoms()], generate_conformers(mol, settings).positions[0])
    np.testing.assert_array_equal(quantum_labels_at(mol, whole).properties, one.properties)


def test_hydrogens_that_are_atoms_of_the_graph_are_labelled_as_such() -> None:
    labels = quantum_labels("[2H]OC")
    assert labels.charges.shape == (3, 2)
    assert labels.charges[0, 0] > 0.2
    assert labels.charges[1, 1] == 0  # its only hydrogen is an atom
    every = quantum_labels(parse_smiles("CO", "add"))
    assert every.charges.shape == (6, 2)
    assert not every.charges[:, 1].any()
    assert every.charges.sum() == pytest.approx(0, abs=1e-5)


def test_a_cause_says_that_the_force_field_did_not_know_an_element() -> None:
    assert "MMFF94 has no parameters" in quantum_labels("OB(O)C").cause
    assert quantum_labels("OCC").cause == ""


def test_a_bare_proton_has_no_occupied_orbital() -> None:
    properties = dict(zip(PROPERTIES, quantum_labels("[H+]").properties, strict=True))
    assert np.isnan(properties["homo"])
    assert np.isnan(properties["gap"])
    assert np.isfinite(properties["lumo"])


def test_what_cannot_be_computed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MoleculeError, match="GFN2-xTB: No support for elements with Z >86"):
        quantum_labels("[U]")
    with pytest.raises(MoleculeError, match="no conformer was found"):
        quantum_labels("C1[C@H]2[C@@H]3O[C@@H]3[C@@H]1[C@@]13O[C@@]21[C@@H]1C[C@H]3[C@@H]2O[C@@H]21", deadline=1)
    with pytest.raises(MoleculeError, match="syntax error"):
        quantum_labels("C(")
    with pytest.raises(ValueError, match=r"expected 9 finite positions.*got shape \(3, 3\)"):
        quantum_labels_at(parse_smiles("CCO"), np.zeros((3, 3)))

    class Hasty(interface.Calculator):  # type: ignore[misc]
        def singlepoint(self, *arguments: Any, **named: Any) -> Any:
            self.set("max-iter", 1)
            return super().singlepoint(*arguments, **named)

    monkeypatch.setattr(quantum, "require_tblite", lambda: SimpleNamespace(Calculator=Hasty))
    with pytest.raises(MoleculeError, match="SCF not converged in 1 cycles"):
        quantum_labels("CCO")


def test_without_tblite_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tblite", None)
    with pytest.raises(ImportError, match=r"pip install 'pyg-moleblend\[quantum\]'"):
        quantum_labels("CCO")
