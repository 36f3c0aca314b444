import pytest
import torch
from ogb_files import write_ogb
from pcqm4mv2_files import write_pcqm4mv2
from qm9_files import qm9_molecules, write_raw

from pyg_moleblend.cli.data import load_data, names_of
from pyg_moleblend.cli.splits import make_split
from pyg_moleblend.datasets import PCQM4Mv2
from pyg_moleblend.datasets.targets import labels_of, select_targets
from pyg_moleblend.metrics import Task


def test_tables_lose_their_bad_rows_aloud(table, capsys):
    molecules = load_data(str(table), "data", targets=["gap"], progress=False)
    assert len(molecules) == 11
    assert 4 not in molecules.row
    assert "1 rows of" in capsys.readouterr().err
    assert molecules.y[4].item() == pytest.approx(0.5)
    assert len(load_data(str(table), "data", max_molecules=3, progress=False)) == 3


def test_conformers_for_a_table(table, capsys):
    molecules = load_data(str(table), "data", conformers=1, progress=False)
    assert all(torch.isfinite(data.pos).all() for data in molecules)
    assert "11 molecules were given a conformer; 0 have none" in capsys.readouterr().err


def test_energies_of_qm9_say_what_they_are_relative_to(tmp_path):
    write_raw(tmp_path / "qm9" / "raw", qm9_molecules())
    labelled = select_targets(load_data("qm9", str(tmp_path), progress=False), ["gap", "U0", "G"])
    task = Task.from_labels(labels_of(labelled), labelled.names, units=labelled.units)
    assert task.units == ("eV", "eV relative to free atoms", "eV relative to free atoms")


def test_ogb(tmp_path):
    write_ogb(tmp_path / "ogbg_molclintox")
    molecules = load_data("ogb:ogbg-molclintox", str(tmp_path), progress=False)
    assert len(molecules) == 6
    assert make_split(molecules, None, 0).name == "ogbg-molclintox official scaffold"
    with pytest.raises(ValueError, match=r"one of \['ogbg-molbace'"):
        load_data("ogb:molhiv", str(tmp_path), progress=False)


def test_pcqm4mv2(tmp_path, capsys):
    write_pcqm4mv2(tmp_path / "pcqm4m-v2")
    PCQM4Mv2(tmp_path, progress=False)  # builds it without worker processes, which take long to start
    molecules = load_data("pcqm4mv2", str(tmp_path), progress=False)
    assert len(molecules) == 8
    assert "2 rows of pcqm4mv2 are no molecule and left out, the first being row 4" in capsys.readouterr().err
    assert load_data("pcqm4mv2:valid", str(tmp_path), progress=False).row.tolist() == [6]
    with pytest.raises(ValueError, match="got 'test'"):
        load_data("pcqm4mv2:test", str(tmp_path), progress=False)


def test_target_names():
    assert names_of("gap, mu") == ["gap", "mu"]
    assert names_of(["a,b"]) == ["a,b"]
    assert names_of(None) is None
