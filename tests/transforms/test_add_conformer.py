import copy
import random

import pytest
import torch
from rdkit import Chem
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import Compose

from pyg_moleblend.chem import MoleculeError, from_mol, from_smiles, generate_conformer, parse_smiles
from pyg_moleblend.transforms.add_conformer import AddConformer

IMPOSSIBLE = "C1[C@H]2[C@@H]3O[C@@H]3[C@@H]1[C@@]13O[C@@]21[C@@H]1C[C@H]3[C@@H]2O[C@@H]21"


def test_repr_has_every_argument() -> None:
    expected = "AddConformer(seed=0, hydrogens='remove', on_failure='raise', deadline=10.0, count=1, optimize=False)"
    assert str(AddConformer()) == expected
    changed = AddConformer(seed=3, hydrogens="add", on_failure="nan", deadline=2, count=4, optimize=True)
    assert str(changed) == (
        "AddConformer(seed=3, hydrogens='add', on_failure='nan', deadline=2, count=4, optimize=True)"
    )


@pytest.mark.parametrize("hydrogens", ["remove", "keep", "add"])
def test_sets_the_conformer_of_the_molecule(hydrogens: str) -> None:
    data = AddConformer(seed=5, hydrogens=hydrogens)(from_smiles("[H]OC(C)C", hydrogens))
    with_3d = generate_conformer(parse_smiles("[H]OC(C)C", hydrogens), 5)
    expected = from_mol(with_3d, "keep")
    assert data.pos.dtype == torch.float32
    assert torch.equal(data.pos, expected.pos)
    assert torch.equal(data.x, expected.x)
    assert "conformer_error" not in data


def test_several_conformers_in_the_order_of_the_graph() -> None:
    mol = Chem.RenumberAtoms(Chem.MolFromSmiles("CC(N)CO"), [3, 1, 4, 0, 2])
    graph = from_mol(mol)
    graph.smiles = "CC(N)CO"
    data = AddConformer(seed=5, count=3)(graph)
    assert data.conformers.shape == (5, 3, 3)
    assert torch.equal(data.conformers[:, 0], data.pos)
    assert torch.equal(data.pos, AddConformer(seed=5)(graph).pos)
    i, j = data.edge_index
    lengths = (data.conformers[i] - data.conformers[j]).norm(dim=-1)  # [E, K]
    assert ((lengths > 1.3) & (lengths < 1.7)).all()


def test_functional_name_and_composition() -> None:
    data = Compose([AddConformer(seed=1)])(from_smiles("CCO"))
    assert not data.pos.isnan().any()


def test_input_is_not_modified() -> None:
    data = from_smiles("CCO")
    before = copy.copy(data)
    pos = data.pos.clone()
    AddConformer()(data)
    assert data.keys() == before.keys()
    assert data.pos is before.pos
    assert torch.equal(data.pos.isnan(), pos.isnan())


@pytest.mark.parametrize("smiles", ["CC(=O)Nc1ccccc1", "C[C@H](F)C(=O)O[C@@H](C)Cl", "C/C(F)=C(/Cl)CN.Cl"])
def test_graph_with_its_atoms_in_another_order(smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    rng = random.Random(0)
    for _ in range(5):
        shuffled = Chem.RenumberAtoms(mol, rng.sample(range(mol.GetNumAtoms()), mol.GetNumAtoms()))
        data = AddConformer()(from_mol(shuffled))
        # Placed on the molecule, the coordinates show its bonds and its stereochemistry.
        conformer = Chem.Conformer(mol.GetNumAtoms())
        conformer.SetPositions(data.pos.double().numpy())
        conformer.Set3D(True)
        shuffled.AddConformer(conformer)
        for bond in shuffled.GetBonds():
            length = (data.pos[bond.GetBeginAtomIdx()] - data.pos[bond.GetEndAtomIdx()]).norm()
            assert 1.1 < length < 1.9
        Chem.AssignStereochemistryFrom3D(shuffled)
        assert Chem.MolToSmiles(shuffled) == Chem.CanonSmiles(smiles)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smiles": "CCCO"}, "it has 4 atoms, x has 3"),
        ({"smiles": "CCN"}, "its elements, bonds or features are others"),
        ({"smiles": "C1CO1"}, "its elements, bonds or features are others"),
        ({"smiles": None}, "data has none"),
        ({"smiles": ["CCO"]}, "transform before batching"),
    ],
)
def test_other_molecule_is_refused(change: dict[str, object], message: str) -> None:
    data = from_smiles("CCO")
    for key, value in change.items():
        data[key] = value
    with pytest.raises(ValueError, match=message):
        AddConformer()(data)


def test_edges_may_come_in_any_order() -> None:
    data = from_smiles("CCO")
    shuffled = Data(x=data.x, edge_index=data.edge_index[:, [3, 0, 2, 1]], smiles="CCO")
    assert torch.equal(AddConformer()(shuffled).pos, AddConformer()(data).pos)


def test_failure_raises_or_is_recorded() -> None:
    with pytest.raises(MoleculeError, match="no conformer was found"):
        AddConformer(deadline=1)(from_smiles(IMPOSSIBLE))
    transform = AddConformer(on_failure="nan", deadline=1)
    failed, fine = transform(from_smiles(IMPOSSIBLE)), transform(from_smiles("CCO"))
    assert failed.pos.shape == (failed.num_nodes, 3)
    assert failed.pos.isnan().all()
    assert "CHECK_TETRAHEDRAL_CENTERS" in failed.conformer_error
    assert fine.conformer_error == ""
    assert Batch.from_data_list([failed, fine]).conformer_error == [failed.conformer_error, ""]


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="got 'skip'"):
        AddConformer(on_failure="skip")
    with pytest.raises(ValueError, match="got 'none'"):
        AddConformer(hydrogens="none")
    with pytest.raises(ValueError, match="got -1"):
        AddConformer(deadline=-1)
