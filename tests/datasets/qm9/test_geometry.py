import re

import numpy as np
import pytest
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from pyg_moleblend.datasets.io.reading import Reading, read_chunk
from pyg_moleblend.datasets.qm9.geometry import Geometry, attach_geometries

SMILES = ["CC(N)C#N", "OC=NC1CC1", "FC(F)CC=O", "C#CC#N", "CC1CC2CC12", "C"]


def structure(smiles: str, order: NDArray[np.int64] | None = None) -> Geometry:
    r"""Atoms in space, hydrogens first and heavy atoms in any order."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    z = np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()], dtype=np.uint8)
    pos = mol.GetConformer().GetPositions().astype(np.float32)
    heavy = np.flatnonzero(z > 1)
    every = np.concatenate([np.flatnonzero(z == 1), heavy if order is None else heavy[order]])
    return Geometry(z[every], pos[every])


def distances(reading: Reading) -> list[NDArray[np.float64]]:
    ends = np.cumsum(reading.graphs.num_atoms)[:-1]
    return [np.linalg.norm(p[:, None] - p[None], axis=-1) for p in np.split(reading.graphs.pos, ends)]


def expected_distances(smiles: str) -> NDArray[np.float64]:
    geometry = structure(smiles)
    pos = geometry.pos[geometry.z > 1]
    return np.linalg.norm(pos[:, None] - pos[None], axis=-1)


def test_atoms_in_one_order_keep_it() -> None:
    reading = attach_geometries(read_chunk(SMILES), [structure(smiles) for smiles in SMILES])
    assert not reading.failures
    for found, smiles in zip(distances(reading), SMILES, strict=True):
        np.testing.assert_array_equal(found, expected_distances(smiles))


@pytest.mark.parametrize("smiles", ["CC(N)C#N", "FC(F)CC=O", "C#CC#N"])
def test_atoms_in_another_order_are_matched(smiles: str) -> None:
    r"""Reversed, elements or bonds do not fit; the atoms of a symmetric pair may change places."""
    order = np.arange(Chem.MolFromSmiles(smiles).GetNumAtoms())[::-1]
    reading = attach_geometries(read_chunk([smiles]), [structure(smiles, order)])
    assert not reading.failures
    mol = Chem.MolFromSmiles(smiles)
    symmetric = mol.GetSubstructMatches(mol, uniquify=False)
    found, expected = distances(reading)[0], expected_distances(smiles)
    assert any(np.allclose(found, expected[np.ix_(match, match)], atol=1e-6) for match in symmetric)


@pytest.mark.parametrize(
    ("graph", "geometry", "reason"),
    [
        ("CCO", "CCC", "the elements of its graph and of its geometry differ"),
        ("CCO", "CO", "its graph has 3 heavy atoms, its geometry 2"),
        ("CC(C)(C)C", "CCCCC", r"the bond between atoms 1 and 4 would be \d\.\d\d Å long"),
    ],
)
def test_a_geometry_of_another_molecule_is_a_failure(graph: str, geometry: str, reason: str) -> None:
    reading = attach_geometries(read_chunk(["CN", graph, "CF"]), [structure(s) for s in ("CN", geometry, "CF")])
    assert [(failure.row, failure.input) for failure in reading.failures] == [(1, graph)]
    assert re.fullmatch(reason, reading.failures[0].reason)
    assert reading.smiles == ["CN", "CF"]
    np.testing.assert_array_equal(distances(reading)[1], expected_distances("CF"))


def test_rows_that_were_not_read_have_no_say() -> None:
    geometries = [structure("CN"), Geometry(np.empty(0, np.uint8), np.empty((0, 3), np.float32)), structure("CF")]
    reading = attach_geometries(read_chunk(["CN", "C1CC", "CF"]), geometries)
    assert [failure.row for failure in reading.failures] == [1]
    assert reading.rows.tolist() == [0, 2]
    np.testing.assert_array_equal(distances(reading)[1], expected_distances("CF"))
