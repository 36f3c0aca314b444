from pathlib import Path

import numpy as np
import pytest
from pcqm4mv2_files import RECORDS, SMILES, record_of, with_3d
from qm9_files import qm9_molecules, write_package, write_raw
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.datasets.corpus.reading import (
    read_cxsmiles,
    read_pcqm4mv2,
    read_qm9,
    read_smiles,
    with_positions,
)
from pyg_moleblend.datasets.io.entries import PackedMol
from pyg_moleblend.datasets.pcqm4mv2.raw import SmilesAndRecord
from pyg_moleblend.datasets.qm9.sources import read_package, read_raw


def nobody(item: int) -> None:
    pass


def test_smiles():
    begun = []
    found = read_smiles(["CCO", "C1CC", "", "CCé", "CN", "CC"], [0, 0, 0, 0, 1, 0], begun.append)
    assert found[1:5] == ["unreadable", "unreadable", "unreadable", "deadline"]
    assert [Chem.MolToSmiles(found[i]) for i in (0, 5)] == ["CCO", "CC"]
    assert begun == list(range(6))


def test_cxsmiles_has_the_coordinates_of_the_heavy_atoms():
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(O)C#N"))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    text = Chem.MolToCXSmiles(mol)
    found, bad, killed = read_cxsmiles([text, "bad", text], [0, 0, 1], nobody)
    assert (bad, killed) == ("unreadable", "deadline")
    heavy = Chem.RemoveHs(Chem.MolFromSmiles(text, _keep()))
    assert found.GetNumAtoms() == 5
    np.testing.assert_allclose(found.GetConformer().GetPositions(), heavy.GetConformer().GetPositions())
    # As in the molecule that was written, up to the four decimals of the file.
    order = found.GetSubstructMatch(Chem.MolFromSmiles("CC(O)C#N"))
    np.testing.assert_allclose(
        found.GetConformer().GetPositions()[list(order)], mol.GetConformer().GetPositions()[:5], atol=1e-4
    )


def _keep() -> Chem.SmilesParserParams:
    params = Chem.SmilesParserParams()
    params.removeHs = False
    return params


@pytest.mark.parametrize("kind", ["package", "raw"])
def test_qm9_has_its_geometries(tmp_path: Path, kind: str):
    molecules = qm9_molecules()
    files = (
        read_package(write_package(tmp_path, molecules))
        if kind == "package"
        else read_raw(write_raw(tmp_path, molecules))
    )
    records = list(files.records(np.arange(len(molecules))))
    if kind == "raw":
        records = [record._replace(entry=PackedMol.of(record.entry)) for record in records]
    kills = [0] * (len(records) - 1) + [1]
    *found, killed = read_qm9(records, kills, nobody)
    assert killed == "deadline"
    for mol, molecule in zip(found, molecules, strict=False):
        assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(molecule.smiles)
        heavy = molecule.pos[[z > 1 for z in molecule.z]]
        np.testing.assert_allclose(mol.GetConformer().GetPositions(), heavy, atol=1e-4)


def test_qm9_with_the_geometry_of_another_molecule_is_told(tmp_path: Path):
    records = list(read_package(write_package(tmp_path, qm9_molecules())).records(np.arange(12)))
    swapped = [records[0]._replace(geometry=records[3].geometry), records[1]._replace(entry="C1CC"), records[2]]
    found = read_qm9(swapped, [0, 0, 0], nobody)
    assert found[:2] == ["structure", "unreadable"]
    assert Chem.MolToSmiles(found[2]) == "O"


def test_pcqm4mv2_has_the_structures_that_fit():
    entries = [SmilesAndRecord(text, record_of(with_3d(made))) for text, made in zip(SMILES, RECORDS, strict=False)]
    entries += [SmilesAndRecord("C1CC", None), SmilesAndRecord("CO", None), SmilesAndRecord("CCC", None)]
    found = read_pcqm4mv2(entries, [0, 1, 0, 0, 0, 0, 0, 0, 2], nobody)
    assert found[6] == "unreadable"
    assert found[8] == "deadline"
    read = {i: mol for i, mol in enumerate(found) if not isinstance(mol, str)}
    assert [Chem.MolToSmiles(mol) for mol in read.values()] == [Chem.CanonSmiles(entries[i].smiles) for i in read]
    # The second was too slow with its record; the records of rows 4 and 5 are of other molecules.
    assert [i for i, mol in read.items() if mol.GetNumConformers()] == [0, 2, 3]
    reference = with_3d("CCO")
    np.testing.assert_allclose(
        found[0].GetConformer().GetPositions(), reference.GetConformer().GetPositions()[:3], atol=1e-3
    )


def test_positions_are_put_on_a_copy():
    mol = Chem.MolFromSmiles("CO")
    pos = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = with_positions(with_positions(mol, -pos), pos)
    np.testing.assert_array_equal(found.GetConformer().GetPositions(), pos)
    assert (found.GetNumConformers(), mol.GetNumConformers()) == (1, 0)
