from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from batches import assert_same_batch, assert_same_data
from rdkit import Chem
from torch_geometric.data import Batch

from pyg_moleblend.chem import (
    MoleculeError,
    batch_from_mols,
    batch_from_smiles,
    chunk_from_mols,
    chunk_from_smiles,
    data_list,
    from_mol,
    from_smiles,
    parse_molblock,
)

GOLDEN = Path(__file__).parent.parent / "golden"


def test_fields() -> None:
    data = from_smiles(" CCO ethanol")
    assert list(data.to_dict()) == ["x", "edge_index", "edge_attr", "pos", "smiles"]
    assert data.smiles == "CCO"
    assert data.x.dtype == data.edge_index.dtype == data.edge_attr.dtype == torch.int64
    assert data.x[:, 0].tolist() == [5, 5, 7]
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert data.edge_attr.shape == (4, 3)
    assert data.pos.dtype == torch.float32
    assert data.pos.shape == (3, 3)
    assert data.pos.isnan().all()
    assert data.validate()


def test_lone_atom() -> None:
    data = from_smiles("[Na+]")
    assert data.num_nodes == 1
    assert data.edge_index.shape == (2, 0)
    assert data.edge_index.dtype == torch.int64
    assert data.edge_attr.shape == (0, 3)


def test_equals_the_published_release() -> None:
    golden = torch.load(GOLDEN / "public.pt", weights_only=True)
    for text, block, expected in zip(golden["smiles"], golden["molblocks"], golden["graphs"], strict=True):
        data = from_smiles(text)
        for key in ("x", "edge_index", "edge_attr"):
            assert torch.equal(data[key], expected[key].long()), f"{key} of {text}"
        # The molblock has four decimals, its own idea of where a bond begins, and shows a handedness that the
        # SMILES left open.
        read = from_mol(parse_molblock(block))
        torch.testing.assert_close(read.pos, expected["pos"], rtol=0, atol=5.1e-5)
        stated = expected["x"][:, 1] > 0
        assert torch.equal(read.x[stated], expected["x"][stated].long())
        assert torch.equal(read.x[:, 2:], expected["x"][:, 2:].long())
        bonds = [{tuple(pair) for pair in graph["edge_index"].t().tolist()} for graph in (read, expected)]
        assert bonds[0] == bonds[1]


def test_from_mol_keeps_order_and_coordinates() -> None:
    mol = Chem.MolFromSmiles("OCC |(0,0,0;1.4,0,0.2;2.1,1.2,0)|")
    mol = Chem.RenumberAtoms(mol, [1, 2, 0])
    data = from_mol(mol)
    assert data.x[:, 0].tolist() == [5, 5, 7]
    assert torch.allclose(data.pos, torch.tensor([[1.4, 0, 0.2], [2.1, 1.2, 0], [0, 0, 0]]))
    assert Chem.CanonSmiles(data.smiles) == "CCO"


def test_coordinates_of_a_cxsmiles_belong_to_its_heavy_atoms(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "pcqm4mv2" / "pcqm4mv2-2k.csv.gz").sample(60, random_state=0)
    params = Chem.SmilesParserParams()
    params.removeHs = False
    for text in table["smiles"]:
        whole = Chem.MolFromSmiles(text, params)
        positions = torch.from_numpy(whole.GetConformer().GetPositions()).float()
        element = {tuple(at.tolist()): a.GetAtomicNum() for at, a in zip(positions, whole.GetAtoms(), strict=True)}
        data = from_smiles(text)
        assert data.x[:, 0].tolist() == [element[tuple(at.tolist())] - 1 for at in data.pos]
        assert int((data.x[:, 0] > 0).sum()) == whole.GetNumHeavyAtoms()
        assert torch.equal(from_smiles(text, "keep").pos, positions)


def test_chirality_follows_the_molecule() -> None:
    one, other = from_smiles("N[C@@H](C)C(=O)O"), from_smiles("N[C@H](C)C(=O)O")
    assert {int(one.x[1, 1]), int(other.x[1, 1])} == {1, 2}
    assert torch.equal(one.x[:, 2:], other.x[:, 2:])


def test_mixed_2d_and_3d_collate() -> None:
    batch = Batch.from_data_list([from_smiles("CCO"), from_smiles("CO |(0,0,0;1.4,0,0.2)|")])
    assert batch.pos.isnan().any(dim=1).tolist() == [True, True, True, False, False]


def test_data_objects_do_not_share_memory() -> None:
    one, other = data_list(chunk_from_smiles(["CCO", "CCO"]))
    one.x.zero_()
    assert other.x[:, 0].tolist() == [5, 5, 7]
    assert one.x.untyped_storage().nbytes() == one.x.numel() * 8
    assert data_list(chunk_from_smiles([])) == []


def test_unusable_input() -> None:
    with pytest.raises(MoleculeError, match="syntax error"):
        from_smiles("BAD(")
    with pytest.raises(MoleculeError, match="got NoneType"):
        from_mol(None)
    with pytest.raises(MoleculeError, match="not sanitized"):
        from_mol(Chem.MolFromSmiles("CCO", sanitize=False))
    with pytest.raises(ValueError, match="one of"):
        from_smiles("CCO", hydrogens="some")


def test_equals_pygs_batch(varied_smiles: list[str]) -> None:
    smiles = [*varied_smiles, "CO |(0,0,0;1.4,0,0.2)|"]
    items = [from_smiles(text) for text in smiles]
    assert_same_batch(batch_from_smiles(smiles), Batch.from_data_list(items))


def test_can_be_taken_apart(varied_smiles: list[str]) -> None:
    batch = batch_from_smiles(varied_smiles)
    items = [from_smiles(text) for text in varied_smiles]
    for got, expected in zip(batch.to_data_list(), items, strict=True):
        assert_same_data(got, expected)
    assert_same_data(batch[3], items[3])
    assert_same_data(batch.get_example(len(items) - 1), items[-1])
    assert len(batch[2:5]) == 3


def test_batches_can_be_batched_again(varied_smiles: list[str]) -> None:
    again = Batch.from_data_list(batch_from_smiles(varied_smiles).to_data_list())
    assert_same_data(again, batch_from_smiles(varied_smiles))


def test_from_mols() -> None:
    mols = [Chem.AddHs(Chem.MolFromSmiles(text)) for text in ("CO", "[Na+].[Cl-]", "CCO")]
    for policy in ("remove", "keep"):
        expected = Batch.from_data_list([from_mol(mol, policy) for mol in mols])
        assert_same_data(batch_from_mols(mols, policy), expected)
    assert batch_from_mols(mols, smiles=["a", "b", "c"]).smiles == ["a", "b", "c"]


def test_no_molecules() -> None:
    with pytest.raises(ValueError, match="at least one molecule"):
        batch_from_smiles([])


def test_mols_and_smiles_give_the_same_graphs(moleculenet_smiles: dict[str, list[str]]) -> None:
    smiles = [s for sample in moleculenet_smiles.values() for s in sample[:20] if Chem.MolFromSmiles(s)]
    by_smiles = chunk_from_smiles(smiles)
    by_mols = chunk_from_mols([Chem.MolFromSmiles(text) for text in smiles])
    for one, other in zip(by_smiles.graphs[:6], by_mols.graphs[:6], strict=True):
        np.testing.assert_array_equal(one, other)


def test_written_smiles_is_the_molecule(moleculenet_smiles: dict[str, list[str]]) -> None:
    smiles = [s for sample in moleculenet_smiles.values() for s in sample[:20] if Chem.MolFromSmiles(s)]
    written = chunk_from_mols([Chem.MolFromSmiles(text) for text in smiles]).smiles
    assert [Chem.CanonSmiles(text) for text in written] == [Chem.CanonSmiles(text) for text in smiles]


def test_given_smiles_are_stored() -> None:
    chunk = chunk_from_mols([Chem.MolFromSmiles("OCC")], smiles=["ethanol"])
    assert chunk.smiles == ["ethanol"]
    with pytest.raises(ValueError, match="one SMILES a molecule, got 1 for 2 molecules"):
        chunk_from_mols([Chem.MolFromSmiles("C")] * 2, smiles=["C"])


def test_hydrogens() -> None:
    assert chunk_from_smiles(["CO", "C"], "add").graphs.num_atoms.tolist() == [6, 5]
    mols = [Chem.AddHs(Chem.MolFromSmiles(text)) for text in ("CO", "C")]
    assert chunk_from_mols(mols).graphs.num_atoms.tolist() == [2, 1]
    assert chunk_from_mols(mols, "keep").graphs.num_atoms.tolist() == [6, 5]


def test_entry_that_is_no_molecule_is_named() -> None:
    with pytest.raises(MoleculeError, match="'number 1 of the molecules': expected an rdkit") as caught:
        chunk_from_mols([Chem.MolFromSmiles("C"), None])
    assert "parse_smiles" in caught.value.remedy
