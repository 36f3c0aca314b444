import pandas as pd
import torch

from pyg_moleblend.chem import Conformers, generate_conformers, parse_smiles
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.conformers import add_missing_conformers

WITH_3D = "CO |(0,0,0;1.43,0,0.1)|"
IMPOSSIBLE = "F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F"  # no tetrahedron of carbons has these handednesses


def test_only_missing_coordinates_are_added():
    table = MoleculeTable(pd.DataFrame({"smiles": ["CCO", WITH_3D, "c1ccccc1"]}), progress=False)
    given = table[1].pos.clone()
    assert torch.isfinite(given).all()
    added = add_missing_conformers(table, seed=0)
    assert (added.num_added, added.failures) == (2, {})
    assert torch.equal(added.molecules[1].pos, given)
    assert all(torch.isfinite(data.pos).all() for data in added.molecules)
    assert not torch.isfinite(table[0].pos).any()
    assert [len(data.pos) for data in added.molecules] == [3, 2, 6]


def test_only_the_selection_gets_conformers():
    frame = pd.DataFrame({"smiles": ["CCO", IMPOSSIBLE, "CC#N", WITH_3D, "c1ccccc1"]})
    table = MoleculeTable(frame, progress=False)
    everything = add_missing_conformers(table, seed=0)
    assert list(everything.failures) == [1]
    added = add_missing_conformers(table[[4, 3, 0, 4]], seed=0)
    assert (added.num_added, added.failures) == (2, {})
    assert added.molecules.row.tolist() == [4, 3, 0, 4]
    for data in added.molecules:
        assert torch.equal(data.pos, everything.molecules[int(data.row)].pos)
    # The molecules that were not asked for are as they were.
    assert torch.isnan(added.molecules.get(1).pos).all()
    assert torch.isnan(added.molecules.get(2).pos).all()
    assert torch.isnan(table._data.pos[:3]).all()
    assert list(add_missing_conformers(table[1:3]).failures) == [1]
    assert add_missing_conformers(table[2:3].copy()).molecules[0].pos.isfinite().all()


def test_what_has_no_conformer_is_reported_by_row():
    frame = pd.DataFrame({"smiles": ["CCO", "xx", IMPOSSIBLE]})
    added = add_missing_conformers(MoleculeTable(frame, on_error="skip", progress=False))
    assert added.num_added == 1
    assert list(added.failures) == [2]
    assert "no conformer was found" in added.failures[2]
    assert torch.isnan(added.molecules[1].pos).all()


def test_several_conformers_of_each_and_the_given_one_alone():
    table = MoleculeTable(pd.DataFrame({"smiles": ["CCO", WITH_3D, IMPOSSIBLE, "CCB(O)O"]}), progress=False)
    settings = Conformers(seed=4, count=3, optimize=True)
    added = add_missing_conformers(table, conformers=settings)
    assert (added.num_added, list(added.failures), list(added.remarks)) == (2, [2], [3])
    assert "MMFF94" in added.remarks[3]
    first, given, none, last = (added.molecules[i] for i in range(4))
    wanted = torch.from_numpy(generate_conformers(parse_smiles("CCO"), settings).positions).transpose(0, 1)
    assert torch.equal(first.conformers, wanted)
    for data in (first, last):
        assert data.conformers.isfinite().all()
        assert torch.equal(data.conformers[:, 0], data.pos)
    assert torch.equal(given.conformers[:, 0], table[1].pos)
    assert given.conformers[:, 1:].isnan().all()
    assert none.conformers.isnan().all()
    assert "conformers" not in table[0]


def test_workers_find_what_this_process_finds():
    table = MoleculeTable(
        pd.DataFrame({"smiles": ["CCO", IMPOSSIBLE, "CCN(C)C", WITH_3D, "C", "CCCC"]}), progress=False
    )
    here, there = (add_missing_conformers(table, seed=1, num_workers=number) for number in (0, 1))
    assert torch.equal(here.molecules._data.pos.nan_to_num(), there.molecules._data.pos.nan_to_num())
    assert (here.num_added, here.failures, here.remarks) == (there.num_added, there.failures, there.remarks)
