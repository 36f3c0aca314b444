import csv
import math
from pathlib import Path

import pytest
import torch
from torch_geometric.loader import DataLoader

from pyg_moleblend.chem import Conformers, from_smiles
from pyg_moleblend.datasets.io.raw import installed_file
from pyg_moleblend.datasets.moleculeace import TARGETS, MoleculeACE

TARGET = "CHEMBL2835_Ki"
HEAD = "smiles,exp_mean [nM],y,cliff_mol,split"

# Most of these tests read a small file.
pytestmark = pytest.mark.filterwarnings("ignore:.*are not comparable with published ones")


def put_raw(root: Path, rows: list[str], head: str = HEAD) -> Path:
    path = root / "moleculeace" / "raw" / f"{TARGET}.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join([head, *rows, ""]))
    return path


def made_rows(number: int = 60) -> list[str]:
    r"""Alkanes; every third is on a cliff, every fifth is for testing; the sixth is no molecule."""
    rows = []
    for row in range(number):
        smiles = "C1CC" if row == 5 else "C" * (row + 1)
        nanomolar = 10 ** (row / 10)
        part = "test" if row % 5 == 0 else "train"
        rows.append(f"{smiles},{nanomolar},{-math.log10(nanomolar)},{int(row % 3 == 0)},{part}")
    return rows


def test_labels_marks_and_rows(tmp_path: Path):
    put_raw(tmp_path, made_rows())
    dataset = MoleculeACE(tmp_path, TARGET, progress=False)
    assert len(dataset) == 59
    assert [failure.row for failure in dataset.failures] == [5]
    assert str(dataset) == f"MoleculeACE {TARGET}(59)"
    assert (dataset.target_names, dataset.metric, dataset.task_type) == (["pKi"], "rmse", "regression")
    for data in dataset:
        row = int(data.row)
        molar = 10 ** (row / 10) * 1e-9
        assert data.y.shape == (1, 1)
        assert data.y.item() == pytest.approx(-math.log10(molar), abs=1e-5)
        assert data.cliff.tolist() == [row % 3 == 0]
        assert torch.equal(data.x, from_smiles("C" * (row + 1)).x)
    assert dataset.cliff.tolist() == [row % 3 == 0 for row in range(60) if row != 5]
    assert dataset[10:20].cliff.tolist() == [data.cliff.item() for data in dataset[10:20]]
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    assert batch.cliff.tolist() == dataset.cliff[:4].tolist()
    assert torch.equal(dataset.get_batch([5, 2]).cliff, dataset.cliff[[5, 2]])


def test_the_split_is_the_files_and_validation_is_drawn_from_training(tmp_path: Path):
    put_raw(tmp_path, made_rows())
    dataset = MoleculeACE(tmp_path, TARGET, progress=False)
    official = dataset.get_split(valid_fraction=0)
    assert dataset.row[official.test].tolist() == [row for row in range(60) if row % 5 == 0 and row != 5]
    assert dataset.row[official.train].tolist() == [row for row in range(60) if row % 5]
    assert len(official.valid) == 0

    split = dataset.get_split(valid_fraction=0.25, seed=3)
    assert torch.equal(split.test, official.test)
    assert sorted([*split.train.tolist(), *split.valid.tolist()]) == official.train.tolist()
    # 48 rows are for training, 16 of them on a cliff.
    assert (int(dataset.cliff[split.valid].sum()), len(split.valid)) == (4, 12)
    assert split.hash == dataset.get_split(valid_fraction=0.25, seed=3).hash
    assert split.hash != dataset.get_split(valid_fraction=0.25, seed=4).hash
    assert split.name == f"MoleculeACE {TARGET} official (0.25 of train for valid, seed 3)"
    # A selection has the selection of each part.
    half = dataset[20:50].get_split(valid_fraction=0.25, seed=3)
    for part, positions in half.as_dict().items():
        whole = dataset.row[split.as_dict()[part]].tolist()
        assert dataset[20:50].row[positions].tolist() == [r for r in whole if r in dataset[20:50].row.tolist()]
    parts = dataset.get_idx_split()
    assert {part: len(positions) for part, positions in parts.items()} == {"train": 43, "valid": 5, "test": 11}
    with pytest.raises(ValueError, match="below 1, got 1"):
        dataset.get_split(valid_fraction=1.0)


def test_conformers_and_hydrogens(tmp_path: Path):
    put_raw(tmp_path, made_rows(4))
    dataset = MoleculeACE(tmp_path, TARGET, hydrogens="add", conformers=Conformers(seed=1), progress=False)
    assert [data.num_nodes for data in dataset] == [5, 8, 11, 14]
    assert all(torch.isfinite(data.pos).all() for data in dataset)
    assert dataset.get_split(0).test.tolist() == [0]


@pytest.mark.parametrize(
    ("head", "row", "message"),
    [
        (HEAD, "C,1.0,0.0,0,valid", r"`split` must be 'train' or 'test', got \['valid'\]"),
        (HEAD, "C,1.0,0.0,0,", r"`split` must be 'train' or 'test', got \['nan'\]"),
        (HEAD, "C,1.0,high,0,train", "a value of 'y' is no number"),
        (HEAD, "C,1.0,0.0,,train", "a value of 'cliff_mol' is no number"),
        ("SMILES,y", "C,1.0", "is damaged: Length of header"),
        ("SMILES,y,a,b,c", "C,1.0", r"has no columns \['smiles', 'exp_mean \[nM\]', 'cliff_mol', 'split'\]"),
        (HEAD, "C,1.0,0.0,0,train,too,many\nC,1", "is damaged"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, head: str, row: str, message: str):
    put_raw(tmp_path, ["C,1.0,0.0,0,train", row], head)
    with pytest.raises(ValueError, match=message):
        MoleculeACE(tmp_path, TARGET, progress=False)


def test_a_file_of_another_version_is_told(tmp_path: Path):
    put_raw(tmp_path, made_rows(3))
    with pytest.warns(UserWarning, match=r"has 3 rows, in MoleculeACE 3\.0\.0 it has 615: results are not comparable"):
        MoleculeACE(tmp_path, TARGET, progress=False)


def test_an_unknown_target_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"one of \['CHEMBL1862_Ki', .*got 'CHEMBL1'"):
        MoleculeACE(tmp_path, "CHEMBL1")


@pytest.mark.filterwarnings("error")
def test_the_published_files(tmp_path: Path):
    path = installed_file("MoleculeACE", f"Data/benchmark_data/{TARGET}.csv")
    if path is None:
        pytest.skip("needs the package: pip install --no-deps moleculeace==3.0.0")
    dataset = MoleculeACE(tmp_path, TARGET, progress=False)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(dataset) == len(rows) == TARGETS[TARGET]
    assert not dataset.failures
    for data, row in zip(dataset, rows, strict=True):
        assert data.y.item() == pytest.approx(9 - math.log10(float(row["exp_mean [nM]"])), abs=1e-5)
        assert data.cliff.item() == (row["cliff_mol"] == "1")
    split = dataset.get_split()
    assert [rows[i]["split"] for i in split.test.tolist()] == ["test"] * 126
    assert {rows[i]["split"] for i in [*split.train.tolist(), *split.valid.tolist()]} == {"train"}
    assert [int(dataset.cliff[part].sum()) for part in (split.train, split.valid, split.test)] == [42, 5, 13]
