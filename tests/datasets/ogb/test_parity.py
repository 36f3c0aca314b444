from pathlib import Path

import torch
from ogb_files import SMILES, write_ogb

from pyg_moleblend.datasets import OGBGraphProperty
from pyg_moleblend.datasets.ogb.parity import compare_with_smiles


def dataset_of(tmp_path: Path, smiles: list[str] | None = None) -> OGBGraphProperty:
    write_ogb(tmp_path / "ogbg_molclintox")
    dataset = OGBGraphProperty(tmp_path, "ogbg-molclintox", progress=False)
    if smiles is not None:
        dataset._data.smiles = smiles
    return dataset


def test_equal(tmp_path: Path) -> None:
    parity = compare_with_smiles(dataset_of(tmp_path))
    assert parity == (6, [], {})
    assert str(parity) == "6 of 6 equal"


def test_where_and_why_not(tmp_path: Path) -> None:
    changed = ["CCN", "N[C@H](C)C(=O)O", "C/C=C\\F", "C1CC", "C1=CC=CC=C1", "CC"]
    dataset = dataset_of(tmp_path, changed)
    parity = compare_with_smiles(dataset)
    assert [(failure.row, failure.input) for failure in parity.unread] == [(3, "C1CC")]
    assert parity.differences == {
        "atomic_num": [0],
        "num_h": [0],
        "degree": [0],
        "chirality": [1],
        "bond_stereo": [2],
        "atoms": [5],
    }
    assert parity.num_equal == 1
    assert str(parity).startswith("1 of 6 equal, not readable 1, ")
    assert compare_with_smiles(dataset[torch.tensor([4, 5])])[::2] == (2, {"atoms": [5]})


def test_a_bond_between_other_atoms_is_noticed(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path, ["OCC", *SMILES[1:]])
    dataset._data.x[:3] = dataset._data.x[[2, 1, 0]]  # O, C, C, in the SMILES' order
    edges = dataset._data.edge_index
    edges[:, :4] = torch.tensor([[0, 2, 1, 2], [2, 0, 2, 1]])
    assert "bonds" in compare_with_smiles(dataset).differences
