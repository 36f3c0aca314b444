import pytest

from pyg_moleblend.cli import main
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.splits import Split

NOTHING_IN_COMMON = "no two parts have a molecule or a ring scaffold in common"
FAST = ["--num-workers", "0", "--progress", "false"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("random", "random 0.8/0.1/0.1 seed 3"),
        ("scaffold", "scaffold 0.8/0.1/0.1"),
        ("scaffold-deepchem", "scaffold (DeepChem) 0.8/0.1/0.1"),
        ("scaffold-balanced", "scaffold balanced 0.8/0.1/0.1 seed 3"),
        ("scaffold-random", "scaffold random 0.8/0.1/0.1 seed 3"),
        ("fold:2/5", "fold 2 of 5 seed 3"),
        ("column:part", "column:part"),
    ],
)
def test_split_is_told_and_saved(kind, name, table, tmp_path, capsys):
    out = tmp_path / "split.json"
    assert main(["split", str(table), "--kind", kind, "--seed", "3", "--out", str(out), *FAST]) == 0
    first, *leaks = capsys.readouterr().out.splitlines()
    saved = Split.load(out, MoleculeTable(table, on_error="skip", progress=False).row)
    assert (saved.name, str(saved)) == (name, first)
    assert sum(len(part) for part in saved.as_dict().values()) == 11
    assert len(leaks) >= 1
    assert all(" rows have in " in line or line == NOTHING_IN_COMMON for line in leaks)


def test_without_leakage(table, capsys):
    assert main(["split", str(table), "--leakage", "false", *FAST]) == 0
    assert capsys.readouterr().out.startswith("random 0.8/0.1/0.1 seed 0 (")


def test_errors_are_one_line(table, refused):
    assert "written as .json" in refused("split", table, "--out", "split.csv")
    assert "unknown split 'skaffold': expected one of random, scaffold," in refused(
        "split", table, "--kind", "skaffold"
    )
    assert "folds are counted from 1" in refused("split", table, "--kind", "fold:0/5", *FAST)
