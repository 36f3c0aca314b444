import copy

import numpy as np
import pytest
import torch
from ogb.utils import smiles2graph
from rdkit import Chem
from torch_geometric.data import Batch, Data
from torch_geometric.utils import from_smiles as pyg_from_smiles

from pyg_moleblend.chem import pyg_to_ogb_features


def directed_bonds(edge_index: np.ndarray, edge_attr: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(row) for row in np.concatenate([edge_index.T, edge_attr], axis=1).tolist()}


def assert_ogbs(data: Data, smiles: str) -> None:
    expected = smiles2graph(smiles)
    np.testing.assert_array_equal(data.x.numpy(), expected["node_feat"], err_msg=smiles)
    got = directed_bonds(data.edge_index.numpy(), data.edge_attr.numpy())
    assert got == directed_bonds(expected["edge_index"], expected["edge_feat"]), smiles


def test_equals_ogb_on_moleculenet(moleculenet_smiles: dict[str, list[str]]) -> None:
    smiles = [s for sample in moleculenet_smiles.values() for s in sample[:40] if Chem.MolFromSmiles(s)]
    assert len(smiles) > 400
    for text in smiles:
        assert_ogbs(pyg_to_ogb_features(pyg_from_smiles(text)), text)


def test_equals_ogb_on_varied_molecules(varied_smiles: list[str]) -> None:
    converted = 0
    for text in varied_smiles:
        try:
            data = pyg_from_smiles(text)
        except ValueError:
            continue  # PyG has no number for it: charge +9, SP2D
        assert_ogbs(pyg_to_ogb_features(data), text)
        converted += 1
    assert converted > 60


def test_batch_and_other_fields() -> None:
    items = [pyg_from_smiles(text) for text in ("CCO", "c1ccccc1")]
    converted = pyg_to_ogb_features(Batch.from_data_list(items))
    expected = [pyg_to_ogb_features(item) for item in items]
    for got, item in zip(converted.to_data_list(), expected, strict=True):
        assert torch.equal(got.x, item.x)
        assert torch.equal(got.edge_attr, item.edge_attr)
        assert got.smiles == item.smiles


def test_input_is_not_modified() -> None:
    data = pyg_from_smiles("C/C=C/C")
    before = copy.deepcopy(data)
    pyg_to_ogb_features(data)
    assert torch.equal(data.x, before.x)
    assert torch.equal(data.edge_attr, before.edge_attr)


def test_small_integers_are_accepted() -> None:
    data = pyg_from_smiles("C[O-]")
    small = Data(x=data.x.to(torch.uint8), edge_index=data.edge_index, edge_attr=data.edge_attr.short())
    assert torch.equal(pyg_to_ogb_features(small).x, pyg_to_ogb_features(data).x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": None}, "data has no x"),
        ({"edge_attr": None}, "data has no edge_attr"),
        ({"x": torch.zeros(3, 11, dtype=torch.long)}, r"9 columns .* got shape \[3, 11\]"),
        ({"edge_attr": torch.zeros(4, dtype=torch.long)}, r"3 columns .* got shape \[4\]"),
        ({"x": torch.zeros(3, 9)}, "must hold integers, got torch.float32"),
        ({"x": torch.full((3, 9), 7)}, "'num_radical_electrons' must lie between 0 and 4, .* got 7"),
        ({"edge_attr": torch.full((4, 3), -1)}, "'bond_type' must lie between 0 and 21, .* got -1"),
    ],
)
def test_bad_features(change: dict[str, torch.Tensor | None], message: str) -> None:
    data = pyg_from_smiles("CCO")
    for key, value in change.items():
        data[key] = value
    with pytest.raises(ValueError, match=message):
        pyg_to_ogb_features(data)
