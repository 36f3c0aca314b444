import random
from pathlib import Path

import batches
import golden_data
import networkx as nx
import pandas as pd
import pytest
import samples
import torch
from rdkit import Chem
from rdkit.Chem import BRICS
from torch import Tensor
from torch_geometric.data import Batch
from torch_geometric.data.datapipes import IterDataPipe

from pyg_moleblend.chem import MoleculeError, from_mol, from_smiles
from pyg_moleblend.fields import FIELDS
from pyg_moleblend.transforms import AddFragments
from pyg_moleblend.utils import pack

DRUGS = ["CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O", "COc1ccc(cc1)S(=O)(=O)N1CCN(CC1)C(=O)c1ccco1.Cl"]


def of_rdkit(mol: Chem.Mol) -> Tensor:
    r"""1 in a fragment, 2 in neighbouring ones, 0 else, by networkx and a plain loop."""
    cut = {frozenset(bond) for bond, _ in BRICS.FindBRICSBonds(mol)}
    graph = nx.Graph()
    graph.add_nodes_from(range(mol.GetNumAtoms()))
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    graph.add_edges_from(bond for bond in bonds if frozenset(bond) not in cut)
    parts = list(nx.connected_components(graph))
    found = torch.zeros(mol.GetNumAtoms(), mol.GetNumAtoms(), dtype=torch.uint8)
    for part in parts:
        for other in parts:
            joined = any((i in part and j in other) or (j in part and i in other) for i, j in map(tuple, cut))
            for i in part:
                for j in other:
                    found[i, j] = 1 if part is other else 2 * joined
    return found.flatten()


def test_fragments_are_rdkits():
    seen = set()
    for case in golden_data.relation_cases():
        expected = of_rdkit(Chem.MolFromSmiles(case.smiles))
        assert torch.equal(AddFragments()(from_smiles(case.smiles)).brics, expected), case.smiles
        seen |= set(expected.tolist())
    assert seen == {0, 1, 2}


def test_fragments_of_real_molecules(shared_data: Path):
    for smiles in pd.read_csv(shared_data / "moleculenet" / "BBBP.csv.gz").smiles[:150]:
        try:
            data = from_smiles(smiles)
        except MoleculeError:
            continue
        assert torch.equal(AddFragments()(data).brics, of_rdkit(Chem.MolFromSmiles(smiles))), smiles


@pytest.mark.parametrize("smiles", DRUGS)
def test_atoms_of_the_graph_may_stand_in_another_order(smiles: str):
    mol, rng = Chem.MolFromSmiles(smiles), random.Random(0)
    for _ in range(5):
        order = rng.sample(range(mol.GetNumAtoms()), mol.GetNumAtoms())
        shuffled = from_mol(Chem.RenumberAtoms(mol, order))
        shuffled.smiles = smiles
        expected = of_rdkit(mol).view(len(order), -1)[order][:, order]
        assert torch.equal(AddFragments()(shuffled).brics, expected.flatten())


@pytest.mark.parametrize("smiles", DRUGS)
def test_hydrogens_go_with_their_atom(smiles: str):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    heavy = [atom.GetIdx() if atom.GetAtomicNum() > 1 else atom.GetNeighbors()[0].GetIdx() for atom in mol.GetAtoms()]
    without = of_rdkit(Chem.MolFromSmiles(smiles)).view(Chem.MolFromSmiles(smiles).GetNumAtoms(), -1)
    data = AddFragments("add")(from_smiles(smiles, "add"))
    assert torch.equal(data.brics.view(len(heavy), -1), without[heavy][:, heavy])


def test_salts_are_apart():
    data = AddFragments()(from_smiles("CC(=O)[O-].[Na+]"))
    assert data.brics.view(5, 5)[4].tolist() == [0, 0, 0, 0, 1]


def test_a_batch_is_its_molecules():
    graphs = [from_smiles(smiles) for smiles in DRUGS]
    given = Batch.from_data_list(graphs)
    batches.assert_same_batch(AddFragments()(given), Batch.from_data_list([AddFragments()(graph) for graph in graphs]))
    assert "brics" not in given


def test_a_model_that_asks_for_it_gets_it():
    graphs = [from_smiles(smiles) for smiles in DRUGS]
    packed = pack(Batch.from_data_list(graphs), ["brics"])
    expected = pack(Batch.from_data_list([AddFragments()(graph) for graph in graphs]), ["brics"])
    assert torch.equal(packed.pairs["brics"], expected.pairs["brics"])
    assert isinstance(FIELDS["brics"].transform, AddFragments)


def test_another_molecule_is_refused():
    data = from_smiles("CCO")
    data.smiles = "CCN"
    with pytest.raises(ValueError, match="is not the molecule"):
        AddFragments()(data)
    with pytest.raises(ValueError, match="it has 9 atoms, x has 3; pass the `hydrogens`"):
        AddFragments("add")(from_smiles("CCO"))


def test_a_smiles_is_asked_for():
    with pytest.raises(ValueError, match="from_smiles"):
        AddFragments()(samples.molecules(1)[0])


def test_names():
    assert repr(AddFragments()) == "AddFragments(hydrogens='remove')"
    assert repr(AddFragments("keep")) == "AddFragments(hydrogens='keep')"
    assert "add_moleblend_fragments" in IterDataPipe.functions
