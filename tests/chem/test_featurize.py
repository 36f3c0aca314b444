from pathlib import Path

import numpy as np
import pytest
import torch
from ogb.utils import smiles2graph
from rdkit import Chem
from rdkit.Chem import rdDepictor

from pyg_moleblend.chem import FlatGraphs, MoleculeError, featurize, parse_smiles
from pyg_moleblend.chem.featurize import structure_of

GOLDEN = Path(__file__).parent.parent / "golden"


def cut(graphs: FlatGraphs) -> list[dict[str, np.ndarray]]:
    atoms = np.concatenate([[0], np.cumsum(graphs.num_atoms)])
    edges = np.concatenate([[0], np.cumsum(graphs.num_edges)])
    return [
        {
            "node_feat": graphs.x[atoms[m] : atoms[m + 1]],
            "edge_index": graphs.edge_index[:, edges[m] : edges[m + 1]],
            "edge_feat": graphs.edge_attr[edges[m] : edges[m + 1]],
        }
        for m in range(len(graphs.num_atoms))
    ]


def assert_ogbs(smiles: list[str]) -> None:
    for text, graph in zip(smiles, cut(featurize([parse_smiles(s) for s in smiles])), strict=True):
        expected = smiles2graph(text)
        for key, value in graph.items():
            assert value.dtype == expected[key].dtype == np.int64
            np.testing.assert_array_equal(value, expected[key], err_msg=f"{key} of {text}")


def test_equals_ogb_on_varied_molecules(varied_smiles: list[str]) -> None:
    assert len(varied_smiles) > 60
    assert_ogbs(varied_smiles)


def test_equals_ogb_on_moleculenet(moleculenet_smiles: dict[str, list[str]]) -> None:
    for smiles in moleculenet_smiles.values():
        readable = [text for text in smiles if Chem.MolFromSmiles(text) is not None]
        assert len(readable) >= 145
        assert_ogbs(readable)


def test_equals_the_published_release() -> None:
    golden = torch.load(GOLDEN / "relations_public.pt", weights_only=True)
    graphs = cut(featurize([parse_smiles(text) for text in golden["smiles"]]))
    for text, graph, expected in zip(golden["smiles"], graphs, golden["graphs"], strict=True):
        np.testing.assert_array_equal(graph["node_feat"], expected["x"], err_msg=text)
        np.testing.assert_array_equal(graph["edge_index"], expected["edge_index"], err_msg=text)
        np.testing.assert_array_equal(graph["edge_feat"], expected["edge_attr"], err_msg=text)


def test_chunk_is_its_molecules_one_after_another(varied_smiles: list[str]) -> None:
    mols = [parse_smiles(text) for text in varied_smiles]
    chunk = featurize(mols)
    singles = [featurize([mol]) for mol in mols]
    for name, axis in (("x", 0), ("edge_index", 1), ("edge_attr", 0), ("pos", 0), ("num_atoms", 0)):
        parts = [getattr(single, name) for single in singles]
        np.testing.assert_array_equal(getattr(chunk, name), np.concatenate(parts, axis=axis))


def test_empty_chunk() -> None:
    graphs = featurize([])
    assert graphs.x.shape == (0, 9)
    assert graphs.edge_index.shape == (2, 0)
    assert graphs.edge_attr.shape == (0, 3)
    assert graphs.pos.shape == (0, 3)


def test_atropisomer_bonds_are_featurized() -> None:
    # OGB raises on these.
    mol = Chem.MolFromSmiles("Cc1cccc(I)c1-c1c(C)cccc1Br")
    bond = mol.GetBondBetweenAtoms(7, 8)
    bond.SetStereo(Chem.BondStereo.STEREOATROPCW)
    graphs = featurize([mol])
    rows = graphs.edge_attr[2 * bond.GetIdx() : 2 * bond.GetIdx() + 2]
    assert rows.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_does_not_modify_molecules() -> None:
    mol = Chem.MolFromSmiles("C[C@H](F)Cl")
    before = mol.ToBinary()
    featurize([mol])
    assert mol.ToBinary() == before


@pytest.mark.parametrize(
    ("mol", "reason"),
    [
        (None, "expected an rdkit.Chem.Mol, got NoneType"),
        ("CCO", "expected an rdkit.Chem.Mol, got str"),
        (Chem.Mol(), "no atoms"),
        (Chem.MolFromSmiles("CCO", sanitize=False), "not sanitized"),
        (Chem.MolFromSmiles("[CH3]", sanitize=False), "not sanitized"),
    ],
)
def test_names_the_entry_it_cannot_use(mol: object, reason: str) -> None:
    with pytest.raises(MoleculeError, match=reason) as caught:
        featurize([Chem.MolFromSmiles("C"), mol])
    assert caught.value.input == "number 1 of the molecules"


@pytest.mark.parametrize(
    "text", ["C[C@H](F)Cl", "C[N+](C)(C)[O-]", "[CH2]C", "[O-][N+](=O)c1ccccc1", "N->[Pt]", "F/C=C/F"]
)
def test_rare_features_beside_plain_molecules(text: str) -> None:
    mol, plain = Chem.MolFromSmiles(text), Chem.MolFromSmiles("CCO")
    x = featurize([plain, mol, plain]).x
    np.testing.assert_array_equal(x[3:-3], featurize([mol]).x)
    atoms = list(mol.GetAtoms())
    assert x[3:-3, 1].tolist() == [int(atom.GetChiralTag()) for atom in atoms]
    assert x[3:-3, 2].tolist() == [atom.GetTotalDegree() for atom in atoms]
    assert x[3:-3, 3].tolist() == [atom.GetFormalCharge() + 5 for atom in atoms]
    assert x[3:-3, 5].tolist() == [atom.GetNumRadicalElectrons() for atom in atoms]
    assert (x[[0, 1, 2, -3, -2, -1]][:, [1, 5]] == 0).all()


def test_molecules_may_come_one_by_one() -> None:
    mols = [Chem.MolFromSmiles(text) for text in ("CCO", "c1ccccc1")]
    for one, other in zip(featurize(iter(mols)), featurize(mols), strict=True):
        np.testing.assert_array_equal(one, other)


def mol_with(positions: list[list[float]], is_3d: bool = True) -> Chem.Mol:
    mol = Chem.MolFromSmiles("C" * len(positions))
    conformer = Chem.Conformer(len(positions))
    conformer.SetPositions(np.array(positions, dtype=float))
    conformer.Set3D(is_3d)
    mol.AddConformer(conformer)
    return mol


def test_takes_a_3d_conformer() -> None:
    given = [[0.0, 0.0, 0.0], [1.5, 0.0, 0.25]]
    assert structure_of(mol_with(given), "it").tolist() == given


def test_planar_molecule_is_3d() -> None:
    assert structure_of(mol_with([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0]]), "it") is not None


def test_single_atom_at_the_origin_is_3d() -> None:
    assert structure_of(mol_with([[0.0, 0.0, 0.0]]), "it").tolist() == [[0.0, 0.0, 0.0]]


def test_takes_the_first_conformer() -> None:
    mol = mol_with([[0.0, 0.0, 0.0], [1.5, 0.0, 0.0]])
    mol.AddConformer(mol_with([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]]).GetConformer(), assignId=True)
    assert structure_of(mol, "it")[1, 0] == 1.5


def test_none_without_a_3d_structure() -> None:
    depicted = Chem.MolFromSmiles("CCO")
    rdDepictor.Compute2DCoords(depicted)
    assert structure_of(Chem.MolFromSmiles("CCO"), "it") is None
    assert structure_of(depicted, "it") is None
    assert structure_of(mol_with([[0.0] * 3] * 2), "it") is None
    assert structure_of(mol_with([[1.0, 2.0, 3.0]] * 3), "it") is None
    assert structure_of(mol_with([[np.nan] * 3] * 2, is_3d=False), "it") is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_coordinate_that_is_not_finite_names_the_atom(value: float) -> None:
    mol = mol_with([[0.0, 0.0, 0.0], [1.5, value, 0.0]])
    with pytest.raises(MoleculeError, match=r"atom 1 \(C\) has a coordinate that is not finite") as caught:
        featurize([Chem.MolFromSmiles("C"), mol])
    assert caught.value.input == "number 1 of the molecules"


def test_mixed_chunk_has_nan_rows_where_there_is_no_structure() -> None:
    mols = [Chem.MolFromSmiles("CC"), mol_with([[0.0, 0.0, 0.0], [1.5, 0.0, 0.1]]), Chem.MolFromSmiles("C")]
    pos = featurize(mols).pos
    assert pos.dtype == np.float32
    assert np.isnan(pos).all(axis=1).tolist() == [True, True, False, False, True]
    np.testing.assert_array_equal(pos[2:4], np.array([[0, 0, 0], [1.5, 0, 0.1]], dtype=np.float32))
