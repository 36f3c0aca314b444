import numpy as np
import pytest

from pyg_moleblend.chem import Conformers, generate_conformers, parse_smiles
from pyg_moleblend.datasets.io.reading import Reading, read_molecules
from pyg_moleblend.datasets.ogb.conformers import put_conformers

GRAPHS = ["CCO", "C[C@H](N)C(=O)O", "c1ccccc1", "CCN", "CO"]
# In order, in another order, in order, of another molecule, not to be read.
SMILES = ["CCO", "OC(=O)[C@@H](N)C", "c1ccccc1", "CCO", "C1C"]


def put(count: int) -> Reading:
    return put_conformers(read_molecules(GRAPHS), read_molecules(SMILES, conformers=Conformers(count=count)))


@pytest.mark.parametrize("count", [1, 3])
def test_every_atom_has_its_own_place(count: int) -> None:
    reading = put(count)
    ends = np.cumsum(reading.graphs.num_atoms)[:-1]
    pos = np.split(reading.graphs.pos, ends)
    found = [generate_conformers(parse_smiles(text), Conformers(count=count)).positions for text in SMILES[:3]]
    for row, order in ((0, [0, 1, 2]), (1, [5, 3, 4, 1, 2, 0]), (2, list(range(6)))):
        np.testing.assert_array_equal(pos[row], found[row][0][order])
        if reading.conformers is not None:
            np.testing.assert_array_equal(np.split(reading.conformers, ends)[row], found[row][:, order].swapaxes(0, 1))
    assert (reading.conformers is None) == (count == 1)
    assert np.isnan(pos[3]).all()
    assert np.isnan(pos[4]).all()
    assert reading.conformer_errors[3] == "its SMILES is not of the molecule that its graph is"
    assert reading.conformer_errors[4].startswith("its SMILES cannot be read: ")
    assert (reading.rows.tolist(), reading.failures) == ([0, 1, 2, 3, 4], [])
