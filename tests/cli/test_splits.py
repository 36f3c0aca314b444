from types import SimpleNamespace

import pytest

from pyg_moleblend.cli import main
from pyg_moleblend.cli.data import load_data
from pyg_moleblend.cli.splits import KINDS, make_split
from pyg_moleblend.splits import k_fold, random_split


def test_splits(table, tmp_path):
    molecules = load_data(str(table), "data", progress=False)
    by_column = make_split(molecules, "column:part", 0)
    assert [len(part) for part in by_column.as_dict().values()] == [5, 3, 3]
    assert by_column.train.tolist() == [0, 1, 2, 3, 4]  # positions among the molecules, not rows of the table
    assert make_split(molecules, None, 3).hash == random_split(11, seed=3).hash
    assert make_split(molecules, "scaffold", 0).name.startswith("scaffold")
    by_column.save(tmp_path / "split.json", names=molecules.smiles)
    assert make_split(molecules, str(tmp_path / "split.json"), 0).hash == by_column.hash
    random_split(20).save(tmp_path / "large.json")
    with (
        pytest.warns(UserWarning, match="does not say which molecules"),
        pytest.raises(ValueError, match="is of at least 20 molecules, the data have 11"),
    ):
        make_split(molecules, str(tmp_path / "large.json"), 0)


def test_benchmarks_have_splits_of_their_own(shared_data, tmp_path):
    import gzip

    raw = tmp_path / "freesolv" / "raw"
    raw.mkdir(parents=True)
    (raw / "SAMPL.csv").write_bytes(gzip.decompress((shared_data / "moleculenet" / "SAMPL.csv.gz").read_bytes()))
    molecules = load_data("moleculenet:FreeSolv", str(tmp_path), progress=False)
    split = make_split(molecules, None, 0)
    assert str(split).startswith("scaffold 0.8/0.1/0.1 (513 train, 64 valid, 65 test")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_splits_everything(kind, table):
    molecules = load_data(str(table), "data", progress=False)
    parts = make_split(molecules, kind, 1).as_dict().values()
    assert sorted(position for part in parts for position in part.tolist()) == list(range(11))


def test_folds_are_counted_from_one(table):
    molecules = load_data(str(table), "data", progress=False)
    assert make_split(molecules, "fold:3/4", 2).hash == k_fold(11, 4, 2)[2].hash
    for word in ("fold:0/4", "fold:5/4"):
        with pytest.raises(ValueError, match="counted from 1"):
            make_split(molecules, word, 0)


def test_only_a_benchmark_has_an_official_split(table):
    with pytest.raises(ValueError, match="unknown split 'official'"):
        make_split(load_data(str(table), "data", progress=False), "official", 0)
    benchmark = SimpleNamespace(get_split=lambda: k_fold(11)[0])
    assert make_split(benchmark, "official", 0).hash == make_split(benchmark, None, 5).hash == k_fold(11)[0].hash


def test_a_saved_split_is_of_its_own_molecules_only(table, tmp_path):
    out = tmp_path / "split.json"
    assert main(["split", str(table), "--out", str(out), "--leakage", "false", "--progress", "false"]) == 0
    head, *lines = table.read_text().splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join([head, *reversed(lines)]) + "\n")
    with pytest.raises(ValueError, match=r"made for other molecules: 1\d of its 1\d rows hold another one now"):
        make_split(load_data(str(turned), "data", progress=False), str(out), 0)


def test_molecules_that_two_parts_share_are_told(table, tmp_path, capsys):
    table.write_text(table.read_text() + "m12,CCO,1.2,test\n")
    molecules = load_data(str(table), "data", progress=False)
    split = make_split(molecules, "column:part", 0)
    assert "1 molecules of test are in train too, CCO for one" in capsys.readouterr().err
    split.save(tmp_path / "split.json", molecules.row, molecules.smiles)
    make_split(molecules, str(tmp_path / "split.json"), 0)
    assert "1 molecules of test are in train too, CCO for one" in capsys.readouterr().err


def test_molecules_in_no_part_are_told(table, tmp_path, capsys):
    molecules = load_data(str(table), "data", progress=False)
    random_split(11).save(tmp_path / "split.json", molecules.row, molecules.smiles)
    capsys.readouterr()
    make_split(molecules, str(tmp_path / "split.json"), 0)
    assert capsys.readouterr().err == ""
    with table.open("a") as file:
        file.write("m12,CCCCCO,1,train\n")
    make_split(load_data(str(table), "data", progress=False), str(tmp_path / "split.json"), 0)
    assert "1 of the 12 molecules are in no part of the split random" in capsys.readouterr().err


def test_columns_group_order_and_stratify(tmp_path):
    path = tmp_path / "series.csv"
    smiles = [f"C{'C' * n}{end}" for n in range(10) for end in "ON"]
    rows = [f"{text},p{i % 4},2020-{1 + i // 2:02d}-01,{i % 2}" for i, text in enumerate(smiles)]
    path.write_text("smiles,project,measured,active\n" + "\n".join([*rows[:5], "bad,p9,,0", *rows[5:]]) + "\n")
    molecules = load_data(str(path), "data", progress=False)
    group = make_split(molecules, "group:project", 0)
    assert all(len({i % 4 for i in part.tolist()}) < 4 for part in group.as_dict().values())
    assert group.name.startswith("group:project")
    assert make_split(molecules, "time:measured", 0).test.tolist() == [18, 19]
    assert make_split(molecules, "time:active", 0).test.numel() == 0  # half of them are the latest
    stratified = make_split(molecules, "stratified:active", 3)
    assert sorted(i % 2 for i in stratified.test.tolist()) == [0, 1]
    folds = [make_split(molecules, f"fold:{i}/3:group:project", 0) for i in (1, 2, 3)]
    assert sorted(i for fold in folds for i in fold.test.tolist()) == list(range(20))
    assert make_split(molecules, "fold:1/3:butina", 0).name.startswith("butina fold 1 of 3")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("group:part", "3 of the 11 molecules have no group"),
        ("group:nothing", "no column 'nothing'"),
        ("time:name", "must hold numbers, or dates as 2024-12-31"),
        ("time:gap", "molecules have no time in 'gap'"),
        ("stratified:name", "must hold finite numbers"),
        ("fold:1/3:rings", "unknown groups 'rings'"),
    ],
)
def test_columns_that_do_not_fit_are_told(word, message, table):
    table.write_text(table.read_text().replace(",test", ",").replace("m0,CCO,0.0", "m0,CCO,"))
    with pytest.raises(ValueError, match=message):
        make_split(load_data(str(table), "data", progress=False), word, 0)


def test_only_a_table_has_columns():
    with pytest.raises(ValueError, match="is of a table, and these molecules come from none"):
        make_split(SimpleNamespace(smiles=["C"] * 5), "group:project", 0)
