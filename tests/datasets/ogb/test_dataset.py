import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ogb_files import LABELS, PARTS, SMILES, write_lines, write_ogb
from torch_geometric.data import Data

from pyg_moleblend.chem import Conformers, from_smiles, generate_conformers, parse_smiles
from pyg_moleblend.datasets import OGBGraphProperty
from pyg_moleblend.datasets.io.raw import installed_file
from pyg_moleblend.datasets.ogb import dataset as ogb
from pyg_moleblend.datasets.ogb.dataset import OGB_SOURCES
from pyg_moleblend.datasets.ogb.parity import compare_with_smiles
from pyg_moleblend.datasets.ogb.raw import RAW_FILES
from pyg_moleblend.metrics import METRICS, Evaluator
from pyg_moleblend.splits import scaffold_split

ORIGINALS = {"ogbg-molesol": (1128, "rmse"), "ogbg-molbbbp": (2039, "rocauc")}


class HasBonds:
    def __call__(self, data: Data) -> bool:
        return bool(data.num_edges)

    def __repr__(self) -> str:
        return "HasBonds()"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_ogb(tmp_path / "ogbg_molclintox")
    return tmp_path


def test_what_a_molecule_holds(root: Path) -> None:
    dataset = OGBGraphProperty(root, "ogbg-molclintox", progress=False)
    assert (str(dataset), dataset.smiles, dataset.failures) == ("ogbg-molclintox(6)", SMILES, [])
    assert (dataset.metric, dataset.task_type, dataset.entry.num_tasks) == ("rocauc", "classification", 2)
    assert dataset.target_names == ["target 0", "target 1"]
    for row, (data, smiles) in enumerate(zip(dataset, SMILES, strict=True)):
        expected = from_smiles(smiles)
        for key in ("x", "edge_index", "edge_attr"):
            assert torch.equal(data[key], expected[key])
        assert data.pos.isnan().all()
        assert (data.smiles, data.row.tolist()) == (smiles, [row])
        np.testing.assert_array_equal(data.y[0], [float(label) if label else np.nan for label in LABELS[row]])


def test_official_split(root: Path) -> None:
    dataset = OGBGraphProperty(root, "ogbg-molclintox", progress=False)
    split = dataset.get_idx_split()
    assert {part: rows.tolist() for part, rows in split.items()} == PARTS
    assert all(rows.dtype == torch.long for rows in split.values())
    assert str(dataset.get_split()).startswith("ogbg-molclintox official scaffold (3 train, 1 valid, 2 test; ")


def test_official_split_of_a_part(root: Path) -> None:
    dataset = OGBGraphProperty(root, "ogbg-molclintox", pre_filter=HasBonds(), progress=False)
    assert dataset.row.tolist() == [0, 1, 2, 4]
    positions = {part: dataset.row[rows].tolist() for part, rows in dataset.get_idx_split().items()}
    assert positions == {"train": [4, 0, 2], "valid": [], "test": [1]}
    selection = dataset[torch.tensor([3, 1])]
    assert {part: rows.tolist() for part, rows in selection.get_idx_split().items()} == {
        "train": [0],
        "valid": [],
        "test": [1],
    }


@pytest.mark.parametrize("count", [1, 2])
def test_conformers(root: Path, count: int) -> None:
    settings = Conformers(count=count)
    dataset = OGBGraphProperty(root, "ogbg-molclintox", conformers=settings, progress=False)
    assert (len(dataset), dataset.conformer_errors) == (6, {})
    for data in dataset:
        expected, *_ = generate_conformers(parse_smiles(data.smiles), settings)
        np.testing.assert_array_equal(data.pos, expected[0])
        if count > 1:
            np.testing.assert_array_equal(data.conformers, expected.swapaxes(0, 1))
    flat = OGBGraphProperty(root, "ogbg-molclintox", progress=False)
    assert flat.processed_dir != dataset.processed_dir
    assert torch.equal(flat[0].x, dataset[0].x)


def test_ogbs_own_package_reads_these_files_alike(root: Path) -> None:
    read_graph_raw = pytest.importorskip("ogb.io.read_graph_raw")
    graphs = read_graph_raw.read_csv_graph_raw(str(root / "ogbg_molclintox" / "raw"), add_inverse_edge=True)
    for data, graph in zip(OGBGraphProperty(root, "ogbg-molclintox", progress=False), graphs, strict=True):
        for key, name in (("x", "node_feat"), ("edge_index", "edge_index"), ("edge_attr", "edge_feat")):
            np.testing.assert_array_equal(data[key], graph[name])


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("raw/graph-label.csv.gz", ["1,0"], "6 graphs but 1 labels"),
        ("mapping/mol.csv.gz", ["smiles", "C"], "6 graphs but 1 SMILES"),
        ("split/scaffold/test.csv.gz", [1], "6 graphs but 5 rows in its split"),
        ("split/scaffold/test.csv.gz", [1, 0], "does not name every row once"),
    ],
)
def test_files_of_different_sets_are_refused(root: Path, name: str, lines: list[Any], message: str) -> None:
    write_lines(root / "ogbg_molclintox" / name, lines)
    with pytest.raises(ValueError, match=message):
        OGBGraphProperty(root, "ogbg-molclintox", progress=False)


def test_is_downloaded_from_where_ogb_downloads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, folder: Path, names: dict[str, str], remedy: str, progress: bool) -> None:
        assert url == "http://snap.stanford.edu/ogb/data/graphproppred/csv_mol_download/lipophilicity.zip"
        assert folder == tmp_path / "ogbg_mollipo"
        assert names["lipophilicity/raw/edge.csv.gz"] == "raw/edge.csv.gz"
        assert set(RAW_FILES) < set(names.values())
        assert str(folder) in remedy
        raise ConnectionError

    monkeypatch.setattr(ogb, "fetch", fetch)
    with pytest.raises(ConnectionError):
        OGBGraphProperty(tmp_path, "ogbg-mollipo", progress=False)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one of \['ogbg-molbace', .*got 'ogbg-ppa'"):
        OGBGraphProperty(tmp_path, "ogbg-ppa")


@pytest.mark.parametrize("name", ORIGINALS)
def test_originals(tmp_path: Path, shared_data: Path, name: str) -> None:
    shutil.copytree(shared_data / "ogb" / name.replace("-", "_"), tmp_path / name.replace("-", "_"))
    dataset = OGBGraphProperty(tmp_path, name, progress=False)
    assert (len(dataset), dataset.metric) == ORIGINALS[name]
    assert dataset.evaluator.name == dataset.metric
    # Our features of their SMILES are theirs, every one.
    assert compare_with_smiles(dataset) == (len(dataset), [], {})
    # Our scaffold split of their SMILES is theirs.
    assert scaffold_split(dataset.smiles).hash == dataset.get_split().hash


@pytest.mark.parametrize("name", ["ogbg-molclintox", "ogbg-molesol", "ogbg-molpcba"])
def test_scores_are_ogbs(name: str) -> None:
    graphproppred = pytest.importorskip("ogb.graphproppred")
    source = ogb.OGB_SOURCES[name]
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(200, source.num_tasks))
    if METRICS[source.metric].task_type == "classification":
        y_true = (y_true > 1).astype(float)
        y_true[rng.random(y_true.shape) < 0.5] = np.nan
        y_true[:, ::5] = 1.0  # tasks of one class are skipped
    if source.num_tasks == 2:
        y_true[:, 0] = 0.0
    y_pred = rng.normal(size=y_true.shape)
    expected = graphproppred.Evaluator(name).eval({"y_true": y_true, "y_pred": y_pred})
    assert Evaluator(source.metric)(y_true=y_true, y_pred=y_pred).value == expected[source.metric]


def test_is_what_ogb_says() -> None:
    path = installed_file("ogb", "graphproppred/master.csv")
    if path is None:
        pytest.skip("needs ogb's master.csv")
    master = pd.read_csv(path, index_col=0, keep_default_na=False)
    molecules = [name for name in master if name.startswith("ogbg-mol")]
    assert sorted(molecules) == sorted(OGB_SOURCES)
    for name, source in OGB_SOURCES.items():
        row = master[name]
        assert (source.archive, source.url, source.metric) == (row["download_name"], row["url"], row["eval metric"])
        assert source.num_tasks == int(row["num tasks"])
        assert METRICS[source.metric].task_type in row["task type"]
        assert (row["split"], row["version"], row["add_inverse_edge"]) == ("scaffold", "1", "True")
