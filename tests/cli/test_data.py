import pytest
import torch
from qm9_files import qm9_molecules, write_raw

from pyg_moleblend.cli.data import load_data, make_split, names_of
from pyg_moleblend.splits import random_split
from pyg_moleblend.training import Task
from pyg_moleblend.training.targets import labels_of, select_targets


def test_tables_lose_their_bad_rows_aloud(table, capsys):
    molecules = load_data(str(table), "data", targets=["gap"], progress=False)
    assert len(molecules) == 11
    assert 4 not in molecules.row
    assert "1 rows of" in capsys.readouterr().err
    assert molecules.y[4].item() == pytest.approx(0.5)
    assert len(load_data(str(table), "data", max_molecules=3, progress=False)) == 3


def test_conformers_for_a_table(table, capsys):
    molecules = load_data(str(table), "data", conformers=True, progress=False)
    assert all(torch.isfinite(data.pos).all() for data in molecules)
    assert "11 molecules were given a conformer; 0 have none" in capsys.readouterr().err


def test_splits(table, tmp_path):
    molecules = load_data(str(table), "data", progress=False)
    by_column = make_split(molecules, "column:part", 0)
    assert [len(part) for part in by_column.as_dict().values()] == [5, 3, 3]
    assert by_column.train.tolist() == [0, 1, 2, 3, 4]  # positions among the molecules, not rows of the table
    assert make_split(molecules, None, 3).hash == random_split(11, seed=3).hash
    assert make_split(molecules, "scaffold", 0).name.startswith("scaffold")
    by_column.save(tmp_path / "split.json")
    assert make_split(molecules, str(tmp_path / "split.json"), 0).hash == by_column.hash
    random_split(20).save(tmp_path / "large.json")
    with pytest.raises(ValueError, match="is of at least 20 molecules, the data have 11"):
        make_split(molecules, str(tmp_path / "large.json"), 0)


def test_benchmarks_have_splits_of_their_own(shared_data, tmp_path):
    import gzip

    raw = tmp_path / "freesolv" / "raw"
    raw.mkdir(parents=True)
    (raw / "SAMPL.csv").write_bytes(gzip.decompress((shared_data / "moleculenet" / "SAMPL.csv.gz").read_bytes()))
    molecules = load_data("moleculenet:FreeSolv", str(tmp_path), progress=False)
    split = make_split(molecules, None, 0)
    assert str(split).startswith("scaffold 0.8/0.1/0.1 (513 train, 64 valid, 65 test")


def test_energies_of_qm9_say_what_they_are_relative_to(tmp_path):
    write_raw(tmp_path / "qm9" / "raw", qm9_molecules())
    labelled = select_targets(load_data("qm9", str(tmp_path), progress=False), ["gap", "U0", "G"])
    task = Task.from_labels(labels_of(labelled), labelled.names, units=labelled.units)
    assert task.units == ("eV", "eV relative to free atoms", "eV relative to free atoms")


def test_target_names():
    assert names_of("gap, mu") == ["gap", "mu"]
    assert names_of(["a,b"]) == ["a,b"]
    assert names_of(None) is None
