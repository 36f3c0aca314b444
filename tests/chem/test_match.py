import random

import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdCIPLabeler

from pyg_moleblend.chem import from_mol, from_smiles, parse_smiles
from pyg_moleblend.chem.match import match_atoms, order_in_smiles


def labels(mol: Chem.Mol) -> list[str]:
    rdCIPLabeler.AssignCIPLabels(mol)
    return [atom.GetProp("_CIPCode") if atom.HasProp("_CIPCode") else "" for atom in mol.GetAtoms()]


def test_finds_shuffled_atoms_with_their_handedness(moleculenet_smiles: dict[str, list[str]]) -> None:
    rng = random.Random(0)
    smiles = [s for sample in moleculenet_smiles.values() for s in sample[:20] if Chem.MolFromSmiles(s)]
    handed = 0
    for text in smiles:
        mol = parse_smiles(text)
        shuffled = Chem.RenumberAtoms(mol, rng.sample(range(mol.GetNumAtoms()), mol.GetNumAtoms()))
        data, other = from_mol(shuffled, "keep"), from_mol(mol, "keep")
        order = match_atoms(data, other)
        assert order is not None
        assert sorted(order.tolist()) == list(range(mol.GetNumAtoms()))
        back = Chem.RenumberAtoms(mol, order.tolist())
        matched = from_mol(back, "keep")
        assert torch.equal(matched.x[:, 2:], data.x[:, 2:])
        bonds = [{tuple(pair) for pair in graph.edge_index.t().tolist()} for graph in (matched, data)]
        assert bonds[0] == bonds[1]
        assert labels(back) == labels(shuffled)
        handed += any(labels(back))
    assert handed > 30


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CCO", "CCN"),
        ("CCO", "CCCO"),
        ("CCO", "C1CO1"),
        ("C[C@H](F)Cl", "C[C@@H](F)Cl"),
        ("F/C=C/F", "F/C=C\\F"),
        ("C=CC", "CC=O"),
        ("[Na+].[Cl-]", "[Na].[Cl]"),
    ],
)
def test_other_molecules_do_not_match(one: str, other: str) -> None:
    assert match_atoms(from_smiles(one), from_smiles(other)) is None
    assert match_atoms(from_smiles(one), from_smiles(one)) is not None


def test_more_kinds_of_bonds_than_can_be_told_apart() -> None:
    data = from_smiles("C" * 20)
    data.edge_attr = torch.stack([torch.arange(38) // 2, data.edge_attr[:, 1], data.edge_attr[:, 2]], dim=1)
    assert match_atoms(data, data) is None


def test_order_in_smiles_is_that_of_the_graph_or_an_error() -> None:
    mol = parse_smiles("NC(=O)CF")
    order = [3, 1, 4, 0, 2]
    graph = from_mol(Chem.RenumberAtoms(mol, order))
    assert order_in_smiles(graph, mol, "remove").tolist() == order
    assert order_in_smiles(from_mol(mol), mol, "remove").tolist() == list(range(5))
    with pytest.raises(ValueError, match=r"hydrogens='add'.*it has 9 atoms, x has 5"):
        order_in_smiles(from_mol(mol), parse_smiles("NC(=O)CF", "add"), "add")
