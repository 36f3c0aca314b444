import numpy as np
import pandas as pd
import pytest
import torch
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError, parse_smiles
from pyg_moleblend.datasets import OGBGraphProperty
from pyg_moleblend.datasets.moleculenet import dataset
from pyg_moleblend.datasets.ogb import from_moleculenet
from pyg_moleblend.datasets.ogb.from_moleculenet import rebuild
from pyg_moleblend.datasets.ogb.raw import read_graphs, read_labels, read_mapping, read_split

BAD_VALENCE = "CC1=[OH+][AlH3-3]23([O+]=C1)[OH+]C=C[O+]2C=C[O+]3"
SMILES = ["CCO", "c1ccccc1", BAD_VALENCE, " CCc1ccccc1", "C1CCCCC1", "CCCC", "Oc1ccccc1", "CN", "c1ccncc1", "C1CCC1"]

HASHES = {"hiv": "f18d3623cd7c", "bbbp": "4e3da8e57a3f"}


@pytest.fixture
def table(tmp_path, monkeypatch):
    r"""A table of ten rows in the place of HIV's and of BBBP's."""
    for name in HASHES:
        source = dataset.SOURCES[name]._replace(rows=10, targets=slice(1, 2), smiles="smiles")
        monkeypatch.setitem(from_moleculenet.SOURCES, name, source)
        monkeypatch.setitem(from_moleculenet.SPLIT_HASHES, f"ogbg-mol{name}", HASHES[name])
    path = tmp_path / "table.csv"
    pd.DataFrame({"smiles": SMILES, "active": np.arange(10) % 2}).to_csv(path, index=False)
    return path


def test_rdkit_rejects_the_molecule():
    with pytest.raises(MoleculeError, match="valence"):
        parse_smiles(BAD_VALENCE)


def test_a_set_that_keeps_every_row(table):
    found = rebuild(table, "ogbg-molhiv")
    assert found.reading.rows.tolist() == list(range(10))
    assert found.reading.smiles[3] == "CCc1ccccc1"
    assert found.labels[:, 0].tolist() == [0, 1] * 5
    assert found.names == ["active"]
    sizes = [Chem.MolFromSmiles(text, sanitize=False).GetNumAtoms() for text in SMILES]
    assert found.reading.graphs.num_atoms.tolist() == sizes
    assert sorted(np.concatenate([part.numpy() for part in found.split.as_dict().values()])) == list(range(10))


def test_a_set_that_drops_what_rdkit_rejects(table):
    found = rebuild(table, "ogbg-molbbbp")
    assert found.reading.smiles == [text.strip() for text in SMILES if text != BAD_VALENCE]
    assert found.labels[:, 0].tolist() == [0, 1, 1, 0, 1, 0, 1, 0, 1]
    assert found.reading.rows.tolist() == list(range(9))


def test_other_parts_than_ogbs_are_refused(table, monkeypatch):
    monkeypatch.setitem(from_moleculenet.SPLIT_HASHES, "ogbg-molhiv", "another")
    with pytest.raises(ValueError, match=r"not those of ogbg-molhiv \(hash .*, OGB's another\).*use source='ogb'"):
        rebuild(table, "ogbg-molhiv")


def test_a_set_that_was_not_compared_is_said_to_be_so(table, monkeypatch):
    source = from_moleculenet.SOURCES["hiv"]._replace(title="BACE")
    monkeypatch.setitem(from_moleculenet.SOURCES, "bace", source)
    with pytest.warns(UserWarning, match="ogbg-molbace is rebuilt .* not compared with OGB's files"):
        rebuild(table, "ogbg-molbace")


def test_the_dataset_is_what_was_rebuilt(table, tmp_path):
    (tmp_path / "hiv/raw").mkdir(parents=True)
    table.rename(tmp_path / "hiv/raw/HIV.csv")
    dataset = OGBGraphProperty(tmp_path, "ogbg-molhiv", source="moleculenet")
    found = rebuild(tmp_path / "hiv/raw/HIV.csv", "ogbg-molhiv")
    assert dataset.smiles == found.reading.smiles
    assert dataset.y.tolist() == found.labels.tolist()
    assert dataset.target_names == ["active"]
    assert dataset[2].num_nodes == Chem.MolFromSmiles(BAD_VALENCE, sanitize=False).GetNumAtoms()
    parts = dataset.get_idx_split()
    assert {name: part.tolist() for name, part in parts.items()} == {
        name: part.tolist() for name, part in found.split.as_dict().items()
    }
    few = dataset[[9, 3]].get_idx_split()
    assert sorted(torch.cat(list(few.values())).tolist()) == [0, 1]
    again = OGBGraphProperty(tmp_path, "ogbg-molhiv", source="moleculenet")
    assert again.get_split().hash == dataset.get_split().hash


def test_what_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match="'ogbg-molchembl' cannot be rebuilt"):
        rebuild(table, "ogbg-molchembl")
    with pytest.raises(ValueError, match="'ogbg-molchembl' cannot be rebuilt"):
        OGBGraphProperty(tmp_path, "ogbg-molchembl", source="moleculenet")
    with pytest.raises(ValueError, match="`source` must be 'ogb' or 'moleculenet', got 'OGB'"):
        OGBGraphProperty(tmp_path, "ogbg-molhiv", source="OGB")
    with pytest.raises(ValueError, match="has 10 rows, ESOL 1128"):
        rebuild(table, "ogbg-molesol")


@pytest.mark.parametrize(("name", "file"), [("ogbg-molesol", "delaney-processed"), ("ogbg-molbbbp", "BBBP")])
def test_it_is_what_ogb_publishes(name, file, shared_data):
    folder = shared_data / "ogb" / name.replace("-", "_")
    found, graphs = rebuild(shared_data / "moleculenet" / f"{file}.csv.gz", name), read_graphs(folder)
    assert found.reading.smiles == read_mapping(folder).smiles
    assert np.allclose(found.labels, read_labels(folder, 1), equal_nan=True)
    for theirs, ours in zip(read_split(folder), found.split.as_dict().values(), strict=True):
        assert theirs.tolist() == ours.tolist()
    for key in ("x", "edge_index", "edge_attr", "num_atoms", "num_edges"):
        assert np.array_equal(getattr(graphs, key), getattr(found.reading.graphs, key))


@pytest.mark.slow
def test_hiv(shared_data):
    r"""Its parts are OGB's: the numbers of actives, and where the first are, agree with published predictions."""
    found = rebuild(shared_data / "moleculenet" / "HIV.csv.gz", "ogbg-molhiv")
    labels, split = found.labels[:, 0], found.split
    assert [len(part) for part in split.as_dict().values()] == [32_901, 4113, 4113]
    assert [int(labels[part].sum()) for part in (split.valid, split.test)] == [81, 130]
    assert [int(labels[part].nonzero()[0][0]) for part in (split.valid, split.test)] == [51, 59]
