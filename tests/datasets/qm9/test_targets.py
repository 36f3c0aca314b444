from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.datasets import qm9 as pyg

from pyg_moleblend.datasets.qm9.targets import ELEMENTS, HARTREE, TARGETS, atom_reference, factors


def test_units_are_pygs() -> None:
    assert pyg.HAR2EV == HARTREE
    assert factors().tolist() == pytest.approx(pyg.conversion[:12].tolist(), rel=1e-7)


def test_atom_energies_are_pygs() -> None:
    assert atom_reference().shape == (len(TARGETS), len(ELEMENTS))
    for row, target in zip(atom_reference(), range(len(TARGETS)), strict=True):
        expected = pyg.atomrefs.get(target, [0.0] * 5) if TARGETS[target].name != "zpve" else [0.0] * 5
        assert row.tolist() == pytest.approx(expected, abs=1e-4)  # PyG's are rounded


def test_atom_energies_give_qm9s_own_atomization_energies(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "qm9" / "qm9.csv.gz", nrows=3000)
    geometry = np.load(shared_data / "qm9" / "qm9_geometry.npz")
    sizes = geometry["n_atoms"][: len(table)].astype(int)
    molecule, z = np.repeat(np.arange(len(table)), sizes), geometry["z"][: sizes.sum()]
    counts = np.stack([np.bincount(molecule[z == element], minlength=len(table)) for element in ELEMENTS], axis=-1)
    kcal_per_mol = HARTREE / 627.509  # as the file has it
    names = [target.name for target in TARGETS]
    for name, raw in (("U0", "u0"), ("U", "u298"), ("H", "h298"), ("G", "g298")):
        total = torch.from_numpy(table[raw].to_numpy() * HARTREE)
        relative = total - torch.from_numpy(counts).double() @ atom_reference()[names.index(name)]
        expected = torch.from_numpy(table[f"{raw}_atom"].to_numpy() * kcal_per_mol)
        torch.testing.assert_close(relative, expected, rtol=0, atol=1e-5)
