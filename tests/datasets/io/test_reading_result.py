import numpy as np
import pytest

from pyg_moleblend.chem import featurize, parse_smiles
from pyg_moleblend.datasets.io.reading_result import Failure, Reading, concatenate

SMILES = ["CCO", "C", "c1ccccc1", "N"]


def reading(smiles: list[str], first: int = 0, conformers: int = 0) -> Reading:
    r"""Molecules in every second row, and a failure in the row after the last."""
    graphs = featurize([parse_smiles(text) for text in smiles])
    rows = first + 2 * np.arange(len(smiles))
    several = np.repeat(graphs.x[:, :1], conformers, axis=1)[:, :, None].repeat(3, 2).astype(np.float32)
    failure = Failure(first + 2 * len(smiles), "bad", "no")
    errors = {int(rows[-1]): "one is missing"}
    graphs = graphs._replace(fields={"conformers": several} if conformers else {})
    return Reading(graphs, smiles, rows, [failure], errors)


def same(one: Reading, other: Reading) -> bool:
    pairs = zip(one.graphs[:6], other.graphs[:6], strict=True)
    graphs = all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
    return graphs and one.smiles == other.smiles and one.rows.tolist() == other.rows.tolist()


def test_dropped_molecules_become_failures_and_the_others_keep_their_own():
    found = reading(SMILES, conformers=2).drop(np.array([False, True, False, True]), lambda m: f"too small: {m}")
    assert found.smiles == ["CCO", "c1ccccc1"]
    assert found.rows.tolist() == [0, 4]
    assert found.failures == [Failure(2, "C", "too small: 1"), Failure(6, "N", "too small: 3"), Failure(8, "bad", "no")]
    assert found.conformer_errors == {}
    alone = featurize([parse_smiles(text) for text in found.smiles])
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found.graphs[:4], alone[:4], strict=True))
    assert np.array_equal(found.conformers[:, 1, 2], alone.x[:, 0])


def test_nothing_to_drop_is_the_reading_itself():
    found = reading(SMILES)
    assert found.drop(np.zeros(4, dtype=bool), str) is found


def test_concatenation_is_reading_at_once():
    parts = [reading(SMILES[:1]), reading(SMILES[1:], first=2)]
    whole = concatenate(parts)
    assert same(whole, reading(SMILES))
    assert [failure.row for failure in whole.failures] == [2, 8]
    assert whole.conformer_errors == {0: "one is missing", 6: "one is missing"}
    assert not len(concatenate([]).rows)


def test_rows_are_renumbered_together():
    found = reading(SMILES).renumber(100 + np.arange(9))
    assert found.rows.tolist() == [100, 102, 104, 106]
    assert (found.failures[0].row, found.conformer_errors) == (108, {106: "one is missing"})


def test_different_numbers_of_conformers_are_not_mixed():
    with pytest.raises(ValueError, match="same number of conformers"):
        concatenate([reading(SMILES, conformers=2), reading(SMILES)])
