import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from scipy import sparse

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.estimators.rows import rows_of

SMILES = ["CCO", "CCN", "CC"]


@pytest.mark.parametrize(
    "X",
    [
        SMILES,
        tuple(SMILES),
        np.array(SMILES),
        np.array(SMILES, dtype=object)[:, None],
        pd.Series(SMILES, index=[7, 8, 9]),
        pd.Series(SMILES, dtype="string"),
        pd.DataFrame({"drug": SMILES}),
    ],
    ids=["list", "tuple", "array", "column", "series", "strings", "frame"],
)
def test_every_container_has_the_same_rows(X):
    assert rows_of(X) == SMILES


def test_objects_stay_the_same():
    mols = [Chem.MolFromSmiles(text) for text in SMILES]
    graphs = [from_smiles(text) for text in SMILES]
    assert all(a is b for a, b in zip(rows_of(mols), mols, strict=True))
    assert all(a is b for a, b in zip(rows_of(graphs), graphs, strict=True))
    table = MoleculeTable(pd.DataFrame({"smiles": SMILES}), progress=False)
    assert [row.smiles for row in rows_of(table)] == SMILES


def test_missing_values_are_rows():
    assert len(rows_of(["CCO", None, float("nan"), pd.NA])) == 4


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("CCO", "one molecule is a list of one"),
        (from_smiles("CCO"), "one molecule is a list of one"),
        (Chem.MolFromSmiles("C"), "one molecule is a list of one"),
        ({"smiles": SMILES}, "got dict"),
        (5, "got int"),
        ([], "0 rows"),
        ([1.0, 2.0], "a float in row 0"),
        (np.ones((3, 1)), "a float64 in row 0"),
        (np.ones((3, 2)), r"shape \[3, 2\]; give the molecules' column"),
        (pd.DataFrame({"smiles": SMILES, "y": [1, 2, 3]}), r"shape \[3, 2\]"),
        (sparse.eye(3).tocsr(), "sparse"),
        ([*SMILES, from_smiles("C")], "a Data in row 3"),
        ([from_smiles("C"), "C"], "a str in row 1"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_what_is_no_column_of_molecules_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        rows_of(X)
