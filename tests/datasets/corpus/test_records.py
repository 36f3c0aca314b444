import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.chem import identify, parse_smiles
from pyg_moleblend.datasets.corpus import Rules
from pyg_moleblend.datasets.corpus.reading import read_smiles
from pyg_moleblend.datasets.corpus.records import KEYS, RECORDS, KeyChunk, RecordChunk, normal_form


def nobody(item: int) -> None:
    pass


SMILES = ["OCC", "CCO.Cl", "bad", "CC([O-])=O", "C[C@@H](N)C(=O)O", "[CH3:3][CH2:1]N", "F[P-](F)(F)(F)(F)F", "C" * 99]


def test_records():
    chunk = [(10 * i, text) for i, text in enumerate(SMILES)]
    begun = []
    batch = RecordChunk(read_smiles, Rules())(chunk, [0] * len(chunk), begun.append)
    assert batch.schema == RECORDS
    table = batch.to_pylist()
    assert [row["row"] for row in table] == [0, 10, 20, 30, 40, 50, 60, 70]
    assert [row["reason"] for row in table] == ["", "fragments", "unreadable", "", "", "", "no key", "size"]
    kept = [row for row in table if not row["reason"]]
    assert [row["smiles"] for row in kept] == ["CCO", "CC(=O)[O-]", "C[C@@H](N)C(=O)O", "CCN"]
    assert [row["heavy_atoms"] for row in kept] == [3, 4, 6, 3]
    assert [row["charge"] for row in kept] == [0, -1, 0, 0]
    assert all(row["skeleton"] == identify(parse_smiles(row["smiles"])).skeleton for row in kept)
    assert all(row["pos"] is None for row in table)
    assert all(row[name] is None for row in table if row["reason"] for name in RECORDS.names[2:])
    assert begun[-1] == -1


def test_keys():
    salt = "C" * 40 + "C(=O)O.CCN"
    smiles = ["CCO", "CC[O-].[Na+]", "C" * 12, "C" * 13, salt, "bad", "*CC", "C[Hg]" + "C" * 20]
    batch = KeyChunk(read_smiles, max_heavy_atoms=10)(list(enumerate(smiles)), [0] * len(smiles), nobody)
    assert batch.schema == KEYS
    table = batch.to_pylist()
    # A salt's parent may be small; up to two atoms more than allowed do no harm.
    assert [row["reason"] for row in table] == ["", "", "", "too large", "", "unreadable", "no key", ""]
    assert table[0]["skeleton"] == table[1]["skeleton"] == identify(parse_smiles("CCO")).skeleton


@pytest.mark.parametrize("smiles", ["NC(=O)c1ccc(O)cc1", "C[C@H](F)/C=C/Cl", "N/C=N/C", "C#CC(O)CN"])
def test_coordinates_follow_the_canonical_order(smiles: str):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=5) == 0
    order = np.random.default_rng(0).permutation(mol.GetNumAtoms()).tolist()
    shuffled = Chem.RemoveHs(Chem.RenumberAtoms(mol, order))
    text, flat = normal_form(shuffled)
    again = parse_smiles(text)
    pos = np.array(flat).reshape(-1, 3)
    assert text == Chem.CanonSmiles(smiles)
    assert len(pos) == again.GetNumAtoms()
    # Each atom has its own coordinates again, up to the molecule's symmetry.
    expected = shuffled.GetConformer().GetPositions()
    matches = shuffled.GetSubstructMatches(again, uniquify=False)
    assert any(np.allclose(expected[list(match)], pos, atol=1e-5) for match in matches)


def test_the_molecule_is_left_as_it_is():
    mol = Chem.MolFromSmiles("[CH3:1]O")
    assert normal_form(mol) == ("CO", None)
    assert [atom.GetAtomMapNum() for atom in mol.GetAtoms()] == [1, 0]
