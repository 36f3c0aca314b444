import os
import signal
import threading
import time

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.chem.etkdg import generate_fragment, optimize_fragment


def fragment(smiles: str) -> Chem.Mol:
    return Chem.AddHs(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize("random", [False, True])
def test_conformers_are_rdkits_own(random: bool) -> None:
    mol, expected = fragment("CC(O)CN"), fragment("CC(O)CN")
    found = generate_fragment(mol, 3, 7, 10, random)
    params = rdDistGeom.ETKDGv3()
    params.randomSeed, params.useRandomCoords = 7, random
    rdDistGeom.EmbedMultipleConfs(expected, 3, params)
    wanted = [conformer.GetPositions() for conformer in expected.GetConformers()]
    np.testing.assert_array_equal(found.positions, wanted)
    assert found.cause == ""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_interrupt_is_no_molecule_without_conformers() -> None:
    slow = fragment("CC(C)CC1NC(=O)C(CC(C)C)NC(=O)C(Cc2ccccc2)NC(=O)C(CCCN)NC(=O)C(C(C)C)NC(=O)C2CCCN2C1=O")

    def search() -> None:
        generate_fragment(slow, 100, 7, 60, False)
        time.sleep(60)  # where they are found sooner

    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        search()
    timer.join()


def test_what_is_missing_has_a_cause() -> None:
    impossible = fragment("F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F")
    found = generate_fragment(impossible, 2, 7, 10, False)
    assert found.positions.shape == (0, impossible.GetNumAtoms(), 3)
    assert "FIRST_MINIMIZATION" in found.cause
    empty = generate_fragment(Chem.Mol(), 1, 7, 10, False)
    assert (empty.positions.shape, empty.cause) == ((0, 0, 3), "ValueError molecule has no atoms")


def test_relaxation_leaves_its_input_alone() -> None:
    mol = fragment("CCCC")
    given = generate_fragment(mol, 2, 7, 10, False).positions
    relaxed = optimize_fragment(mol)
    assert relaxed.cause == ""
    assert relaxed.positions.shape == given.shape
    assert 0.01 < np.abs(relaxed.positions - given).max() < 3
    np.testing.assert_array_equal([conformer.GetPositions() for conformer in mol.GetConformers()], given)


def test_relaxation_that_needs_more_steps_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyg_moleblend.chem.etkdg.MMFF_STEPS", 1)
    mol = fragment("CCCCCCCC")
    generate_fragment(mol, 2, 7, 10, False)
    assert optimize_fragment(mol).cause == "MMFF94 did not converge in 1 steps for 2 of 2 conformers"
