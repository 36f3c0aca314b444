import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pcqm4mv2_files import GAPS, SMILES, SPLIT, write_pcqm4mv2, write_records
from rdkit import Chem
from torch_geometric.loader import DataLoader

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets import PCQM4Mv2
from pyg_moleblend.datasets.pcqm4mv2 import build as pcqm4mv2_build
from pyg_moleblend.metrics import Evaluator

ROWS = [0, 1, 2, 3, 5, 6, 8, 9]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_pcqm4mv2(tmp_path / "pcqm4m-v2")
    return tmp_path


def test_rows_are_the_official_ones(root: Path) -> None:
    dataset = PCQM4Mv2(root, shard_size=3, progress=False)
    assert dataset.row.tolist() == ROWS
    assert [(failure.row, failure.input) for failure in dataset.failures] == [(4, SMILES[4]), (7, SMILES[7])]
    assert dataset.conformer_errors == {5: "the bonds of its SMILES and of its record differ"}
    assert (dataset.target_names, dataset.target_units) == (["homolumogap"], ["eV"])
    for data, row in zip(dataset, ROWS, strict=True):
        assert (data.smiles, data.row.tolist()) == (SMILES[row], [row])
        assert torch.equal(data.x, from_smiles(SMILES[row]).x)
        np.testing.assert_array_equal(data.y, np.float32([[GAPS[row]]]))
        assert bool(data.pos.isfinite().all()) == (row < 4)


def test_official_split(root: Path) -> None:
    dataset = PCQM4Mv2(root, shard_size=3, progress=False)
    parts = {part: dataset.row[positions].tolist() for part, positions in dataset.get_idx_split().items()}
    assert parts == {part: [row for row in rows if row in ROWS] for part, rows in SPLIT.items()}
    for part, rows in parts.items():
        selection = PCQM4Mv2(root, part, shard_size=3, progress=False)  # type: ignore[arg-type]
        assert [int(data.row) for data in selection] == selection.row.tolist() == rows
        # PyG's own dataset gives training rows here, https://github.com/pyg-team/pytorch_geometric/issues/10621.
        assert [int(row) for batch in DataLoader(selection, 2) for row in batch.row] == rows
        assert torch.equal(pickle.loads(pickle.dumps(selection)).row, selection.row)
    assert str(dataset.get_split()).startswith("PCQM4Mv2 official (test-dev) (5 train, 1 valid, 1 test")


def test_is_built_once_for_each_kind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [PCQM4Mv2(root, chirality=policy, progress=False).folder for policy in ("smiles", "structure", "none")]
    folders.append(PCQM4Mv2(root, structures=False, progress=False).folder)
    assert len(set(folders)) == 4
    monkeypatch.setattr(pcqm4mv2_build.ReadPairs, "__call__", None)  # nothing is read again
    flat = PCQM4Mv2(root, structures=False, progress=False)
    assert flat.folder == folders[3]
    assert not any(data.pos.isfinite().any() for data in flat)
    assert not flat.conformer_errors


def test_a_damaged_shard_is_named_and_made_again(root: Path) -> None:
    path = PCQM4Mv2(root, shard_size=3, progress=False).folder / "shard-000001.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\xff")
    damaged = PCQM4Mv2(root, shard_size=3, progress=False)
    assert damaged[0].smiles == SMILES[0]
    with pytest.raises(ValueError, match=rf"{path} is damaged or missing; delete it, and it is made again"):
        damaged[4]
    path.unlink()
    assert PCQM4Mv2(root, shard_size=3, progress=False)[4].smiles == SMILES[5]
    assert path.read_bytes() == content


def test_rows_do_not_shift_with_a_damaged_list_of_failures(root: Path) -> None:
    dataset = PCQM4Mv2(root, shard_size=3, progress=False)
    rows, path = dataset.row.tolist(), dataset.folder / "failures.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(ValueError, match=rf"{path} is damaged or missing; delete it, and it is made again"):
        _ = PCQM4Mv2(root, shard_size=3, progress=False).row
    path.unlink()
    assert PCQM4Mv2(root, shard_size=3, progress=False).row.tolist() == rows


def test_an_open_dataset_holds_little(root: Path) -> None:
    dataset = PCQM4Mv2(root, "train", progress=False)
    dataset[0]
    assert len(pickle.dumps(dataset)) < 5000  # what a worker process is sent
    assert isinstance(dataset.indices(), range)


def test_other_raw_files_are_read_again(root: Path) -> None:
    before = PCQM4Mv2(root, progress=False)
    write_records(root / "pcqm4m-v2" / "pcqm4m-v2-train.sdf.tar.gz", ["nonsense\n$$$$\n"] * 6)
    after = PCQM4Mv2(root, progress=False)
    assert before.folder != after.folder
    assert set(after.conformer_errors) == {0, 1, 2, 3, 5}


def test_submission(root: Path, tmp_path: Path) -> None:
    dataset = PCQM4Mv2(root, progress=False)
    path = dataset.save_test_submission(tmp_path / "out", "test-dev", dataset.row, torch.arange(8.0)[:, None])
    assert np.load(path)["y_pred"].tolist() == [6.0]  # of row 8


def test_scores_are_ogbs() -> None:
    lsc = pytest.importorskip("ogb.lsc")
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(2, 1000))
    expected = lsc.PCQM4Mv2Evaluator().eval({"y_true": y_true, "y_pred": y_pred})["mae"]
    assert Evaluator(PCQM4Mv2.metric)(y_true=y_true, y_pred=y_pred).value == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "val"}, "`split` must be one of .*got 'val'"),
        ({"chirality": "sdf"}, "`chirality` must be one of .*got 'sdf'"),
        ({"chirality": "structure", "structures": False}, "needs structures=True"),
    ],
)
def test_unknown_arguments_are_refused(tmp_path: Path, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PCQM4Mv2(tmp_path, **arguments)  # type: ignore[arg-type]


def test_real_molecules(tmp_path: Path, shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "pcqm4mv2" / "pcqm4mv2-2k.csv.gz")[:300]
    parameters = Chem.SmilesParserParams()
    parameters.removeHs = False
    mols = [Chem.MolFromSmiles(text, parameters) for text in table["smiles"]]
    # As the benchmark's: without hydrogens that only a structure tells the stereochemistry by.
    without = Chem.RemoveHsParameters()
    without.removeDefiningBondStereo = True
    smiles = [Chem.MolToSmiles(Chem.RemoveHs(mol, without)) for mol in mols]
    records = [Chem.MolToMolBlock(mol) + "$$$$\n" for mol in mols]
    split = {"train": range(290), "valid": range(290, 300), "test-dev": range(0), "test-challenge": range(0)}
    write_pcqm4mv2(tmp_path / "pcqm4m-v2", smiles, table["homo"].tolist(), records[:290], split)
    dataset = PCQM4Mv2(tmp_path, progress=False)
    assert (len(dataset), dataset.failures, dataset.conformer_errors) == (300, [], {})
    for data, mol in zip(dataset, mols, strict=True):
        if int(data.row) >= 290:
            assert data.pos.isnan().all()
            continue
        # Each heavy atom is where the record has one of its element.
        heavy = np.array([atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1])
        distance = np.linalg.norm(data.pos.numpy()[:, None] - mol.GetConformer().GetPositions()[heavy], axis=-1)
        elements = [mol.GetAtomWithIdx(int(i)).GetAtomicNum() for i in heavy[distance.argmin(1)]]
        assert distance.min(1).max() < 1e-4
        assert (data.x[:, 0] + 1).tolist() == elements
