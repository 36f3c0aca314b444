from pathlib import Path

import batches
import golden_data
import numpy as np
import pandas as pd
import pytest
import samples
import torch
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.data.datapipes import IterDataPipe

from pyg_moleblend.chem import MoleculeError, from_mol, from_smiles
from pyg_moleblend.fields import FIELDS
from pyg_moleblend.transforms import AddRings
from pyg_moleblend.utils import pack

CAGES = ["C12C3C4C1C5C2C3C45", "C1C2CC3CC1CC(C2)C3", "C1CC2CCC1CC2", "C1CC2CC1C2", "C1CC11CC1", "C1=CC2C=CC1C2"]


def of_rdkit(mol: Chem.Mol) -> Tensor:
    r"""Smallest ring that two atoms share, 0 where there is none, by a plain loop."""
    found = np.zeros((mol.GetNumAtoms(),) * 2, dtype=np.uint8)
    for ring in sorted(map(set, mol.GetRingInfo().AtomRings()), key=len, reverse=True):
        for i in ring:
            for j in ring:
                found[i, j] = len(ring)
    return torch.from_numpy(found.flatten())


def test_rings_are_rdkits():
    seen = set()
    for case in golden_data.relation_cases():
        mol = Chem.MolFromSmiles(case.smiles)
        expected = of_rdkit(mol)
        assert torch.equal(AddRings()(from_smiles(case.smiles)).ring_size, expected), case.smiles
        seen |= set(expected.tolist())
    assert {0, 3, 5, 6} <= seen


@pytest.mark.parametrize("smiles", CAGES)
def test_rings_of_cages_and_spiro_compounds(smiles: str):
    assert torch.equal(AddRings()(from_smiles(smiles)).ring_size, of_rdkit(Chem.MolFromSmiles(smiles)))


@pytest.mark.parametrize("smiles", [*CAGES, "c1ccc2c(c1)Cc1ccccc1CC2"])
def test_atoms_may_stand_in_any_order(smiles: str):
    data, generator = AddRings()(from_smiles(smiles)), torch.Generator().manual_seed(0)
    expected = data.ring_size.view(data.num_nodes, -1)
    for _ in range(5):
        order = torch.randperm(data.num_nodes, generator=generator)
        shuffled = AddRings()(from_mol(Chem.RenumberAtoms(Chem.MolFromSmiles(smiles), order.tolist())))
        assert torch.equal(shuffled.ring_size.view_as(expected), expected[order][:, order])


def test_rings_of_real_molecules(shared_data: Path):
    seen = 0
    for smiles in pd.read_csv(shared_data / "moleculenet" / "BBBP.csv.gz").smiles[:400]:
        try:
            data = from_smiles(smiles)
        except MoleculeError:
            continue
        mol = Chem.MolFromSmiles(smiles)
        assert torch.equal(AddRings()(data).ring_size, of_rdkit(mol)), smiles
        seen += mol.GetRingInfo().NumRings() > 2
    assert seen > 100


def test_dative_bonds_close_rings():
    smiles = "C1CN->[Cu]<-N1"
    assert AddRings()(from_smiles(smiles)).ring_size.view(5, 5).eq(5).all()
    assert not Chem.MolFromSmiles(smiles).GetRingInfo().NumRings()


def test_huge_rings_are_counted_to_254():
    data = AddRings()(from_smiles("C1" + "C" * 258 + "1"))
    assert data.ring_size.dtype == torch.uint8
    assert data.ring_size.eq(254).all()


def test_a_batch_is_its_molecules():
    graphs = samples.molecules(11)
    given = Batch.from_data_list(graphs)
    batches.assert_same_batch(AddRings()(given), Batch.from_data_list([AddRings()(graph) for graph in graphs]))
    assert "ring_size" not in given
    assert "ring_size" not in given._slice_dict


def test_input_is_not_written_to():
    data = samples.molecules(1)[0]
    AddRings()(data)
    assert "ring_size" not in data


def test_a_model_that_asks_for_it_gets_it():
    graphs = samples.molecules()
    packed = pack(Batch.from_data_list(graphs), ["ring_size"])
    expected = pack(Batch.from_data_list([AddRings()(graph) for graph in graphs]), ["ring_size"])
    assert torch.equal(packed.pairs["ring_size"], expected.pairs["ring_size"])
    assert isinstance(FIELDS["ring_size"].transform, AddRings)


def test_bonds_are_asked_for():
    with pytest.raises(ValueError, match="edge_index"):
        AddRings()(Data(x=torch.zeros(2, 9)))


def test_names():
    assert repr(AddRings()) == "AddRings()"
    assert "add_moleblend_rings" in IterDataPipe.functions
