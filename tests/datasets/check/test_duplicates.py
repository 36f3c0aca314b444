import numpy as np

from pyg_moleblend.chem import identify_all
from pyg_moleblend.datasets.check import Labels, find_duplicates

SMILES = ["CCO", "bad", "OCC", "CC(=O)O", "CC(=O)[O-].[Na+]", "C(C)O", "*C", "C*", "bad"]


def labels(name: str, *values: float) -> Labels:
    return Labels(name, np.array(values), np.zeros(len(values), bool))


def test_molecules_and_parents() -> None:
    identities = identify_all(SMILES)
    rows = list(range(100, 109))
    same = find_duplicates(identities, rows)
    assert [group.rows for group in same.groups] == [[100, 102, 105], [106, 107]]
    assert [group.smiles for group in same.groups] == ["CCO", "*C"]
    assert same.num_rows == 5
    parents = find_duplicates(identities, rows, level="parent")
    assert [group.rows for group in parents.groups] == [[100, 102, 105], [103, 104], [106, 107]]


def test_conflicts_are_of_labels_that_both_have() -> None:
    nan = np.nan
    agreeing = labels("agreeing", 1, 0, 1, 0, 1, nan, nan, 0, 0)
    conflicting = labels("conflicting", 0.5, 9, nan, 1, 2, 0.7, nan, nan, 3)
    same = find_duplicates(identify_all(SMILES), range(9), [agreeing, conflicting])
    assert [group.conflicts for group in same.groups] == [{"conflicting": [0.5, 0.7]}, {}]
    assert same.conflicting.num_rows == 3
    parents = find_duplicates(identify_all(SMILES), range(9), [agreeing, conflicting], "parent")
    assert parents.groups[1].conflicts == {"agreeing": [0, 1], "conflicting": [1, 2]} or parents.groups[1].rows != [
        3,
        4,
    ]
