import numpy as np
import pytest
from pcqm4mv2_files import RECORDS, SMILES, record_of, with_3d

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets.io.reading import Reading
from pyg_moleblend.datasets.pcqm4mv2.raw import SmilesAndRecord
from pyg_moleblend.datasets.pcqm4mv2.reading import ReadPairs

CHUNK = [
    SmilesAndRecord(smiles, record_of(with_3d(RECORDS[row]), row) if row < len(RECORDS) else None)
    for row, smiles in enumerate(SMILES)
]


def read(chunk: list[SmilesAndRecord] = CHUNK, kills: list[int] | None = None, chirality: str = "smiles") -> Reading:
    started: list[int] = []
    reading = ReadPairs(chirality)(chunk, kills or [0] * len(chunk), started.append)  # type: ignore[arg-type]
    assert started == [*range(len(chunk)), -1]
    return reading


def test_every_row_is_a_molecule_or_says_why_not() -> None:
    reading = read()
    assert reading.rows.tolist() == [0, 1, 2, 3, 5, 6, 8, 9]
    assert [(failure.row, failure.input) for failure in reading.failures] == [(4, SMILES[4]), (7, SMILES[7])]
    assert reading.smiles == [SMILES[row] for row in reading.rows]
    # The graph is the SMILES'; row 5's record is of another tautomer.
    ends = np.cumsum(reading.graphs.num_atoms)
    for row, x, pos in zip(
        reading.rows.tolist(), np.split(reading.graphs.x, ends), np.split(reading.graphs.pos, ends), strict=False
    ):
        np.testing.assert_array_equal(x, from_smiles(SMILES[row]).x)
        assert np.isfinite(pos).all() == (row in (0, 1, 2, 3))
    assert reading.conformer_errors == {5: "the bonds of its SMILES and of its record differ"}


@pytest.mark.parametrize("chirality", ["smiles", "structure", "none"])
def test_stereochemistry_is_that_of_the_policy(chirality: str) -> None:
    reading = read([CHUNK[2], CHUNK[9]], chirality=chirality)
    alanine = {"smiles": SMILES[2], "structure": RECORDS[2], "none": "CC(N)C(=O)O"}[chirality]
    np.testing.assert_array_equal(reading.graphs.x[:6], from_smiles(alanine).x)
    # A molecule without a record keeps its SMILES' stereochemistry, unless there is to be none.
    other = from_smiles("FC=CF" if chirality == "none" else "F/C=C/F")
    np.testing.assert_array_equal(reading.graphs.edge_attr[-6:], other.edge_attr)


def test_a_record_that_cannot_be_read_costs_no_row() -> None:
    reading = read([SmilesAndRecord("CCO", "nonsense\n$$$$\n"), SmilesAndRecord("C", None)])
    assert reading.rows.tolist() == [0, 1]
    assert reading.conformer_errors[0].startswith("its record cannot be read: ")
    assert np.isnan(reading.graphs.pos).all()


def test_what_takes_too_long_does_less_each_time() -> None:
    once, twice = read(CHUNK[:2], [1, 0]), read(CHUNK[:2], [2, 0])
    assert (once.rows.tolist(), once.conformer_errors) == ([0, 1], {0: "it took longer than allowed"})
    assert [failure.row for failure in twice.failures] == [0]
    assert twice.rows.tolist() == [1]
