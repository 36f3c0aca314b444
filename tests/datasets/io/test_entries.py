import pickle

import numpy as np
import pytest
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError
from pyg_moleblend.datasets.io.entries import PackedMol, SdfRecord, describe_entry, pack_entries, read_entry


def test_packed_molecules_lose_nothing() -> None:
    mol = Chem.MolFromSmiles("C[C@H](F)Cl")
    mol.SetProp("_Name", "odd")
    mol.SetDoubleProp("gap", 0.1)
    mol.GetAtomWithIdx(1).SetProp("note", "centre")
    mol.GetBondWithIdx(0).SetIntProp("order", 3)
    conformer = Chem.Conformer(4)
    conformer.Set3D(True)
    conformer.SetPositions(np.random.default_rng(0).normal(size=(4, 3)))
    mol.AddConformer(conformer)
    (packed,) = pickle.loads(pickle.dumps(pack_entries([mol])))
    again, text = read_entry(packed, "keep")
    assert text is None
    assert again.GetPropsAsDict() == mol.GetPropsAsDict()
    assert again.GetProp("_Name") == "odd"
    assert again.GetAtomWithIdx(1).GetProp("note") == "centre"
    assert again.GetBondWithIdx(0).GetIntProp("order") == 3
    assert Chem.MolToSmiles(again) == Chem.MolToSmiles(mol)
    assert again.GetConformer().Is3D()
    np.testing.assert_array_equal(again.GetConformer().GetPositions(), conformer.GetPositions())


def test_entries_that_are_no_molecules_stay_as_they_are() -> None:
    error = MoleculeError("record 2", "it is cut off", "write it again")
    entries = ["CCO", None, float("nan"), error]
    assert pack_entries(entries) == entries
    with pytest.raises(MoleculeError, match="cut off"):
        read_entry(pickle.loads(pickle.dumps(error)), "remove")
    unsanitized = Chem.MolFromSmiles("CCO", sanitize=False)
    for entry in (unsanitized, *pack_entries([unsanitized])):
        with pytest.raises(MoleculeError, match="'molecule with 3 atoms': it is not sanitized"):
            read_entry(entry, "remove")


def test_reports_name_entries() -> None:
    mol = Chem.MolFromSmiles("CCO")
    assert describe_entry(mol) == describe_entry(PackedMol.of(mol)) == "molecule with 3 atoms"
    mol.SetProp("_Name", "ethanol")
    assert describe_entry(PackedMol.of(mol)) == "ethanol"
    assert [describe_entry(entry) for entry in ("C1", None, MoleculeError("a", "b", "c"))] == ["C1", "", "a"]


def test_records_are_read_where_they_are_needed() -> None:
    good = SdfRecord("record 0 of x.sdf", Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")) + "> <id>\na\n\n$$$$\n")
    mol, text = read_entry(pickle.loads(pickle.dumps(good)), "remove")
    assert (Chem.MolToSmiles(mol), text, mol.GetProp("id")) == ("CCO", None, "a")
    bad = SdfRecord("record 1 of x.sdf", "broken\n$$$$\n")
    with pytest.raises(MoleculeError) as caught:
        read_entry(bad, "remove")
    assert caught.value.input == describe_entry(bad) == "record 1 of x.sdf"
