from pathlib import Path

import numpy as np
import pytest
import torch
from corpus_files import ALCOHOLS, AMINES, NITRILES, write_chembl, write_moses, write_text
from pcqm4mv2_files import SMILES as PCQM4MV2
from pcqm4mv2_files import write_pcqm4mv2
from qm9_files import qm9_molecules, write_package, write_raw

from pyg_moleblend.datasets.corpus import SOURCES, sources
from pyg_moleblend.datasets.corpus.ranks import ranks
from pyg_moleblend.datasets.qm9 import dataset as qm9


def open_source(name: str, root: Path, path: Path | None = None, size: int | None = None) -> sources.Input:
    return SOURCES[name].open(path, root, size, 0, False)


def test_of_moses_the_training_part_is_drawn_from(tmp_path: Path):
    file = write_moses(tmp_path)
    whole = open_source("moses", tmp_path)
    assert whole.files == [file]
    assert list(whole.rows()) == list(whole.rows()) == list(enumerate(ALCOHOLS))
    drawn = open_source("moses", tmp_path, size=7)
    assert (drawn.num_rows, drawn.num_taken, drawn.choice) == (60, 7, {"size": 7, "seed": 0})
    values = ranks(ALCOHOLS, "sample", 0).tolist()
    assert list(drawn.rows()) == [row for row in enumerate(ALCOHOLS) if values[row[0]] <= sorted(values)[6]]
    assert list(open_source("moses", tmp_path, file, size=1000).rows()) == list(enumerate(ALCOHOLS))


def test_moses_comes_from_the_package_and_else_from_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    packaged = write_text(tmp_path / "package" / "train.csv.gz", "SMILES\nCCO\n")
    monkeypatch.setattr(sources, "installed_file", lambda package, path: packaged)
    assert list(open_source("moses", tmp_path / "empty").rows()) == [(0, "CCO")]

    def fetch(url, folder, names, remedy, log, sha256):
        assert (url, sha256) == (sources.MOSES_URL, sources.MOSES_SHA256)
        assert names == {"moses/dataset/data/train.csv.gz": "train.csv.gz"}
        assert "pip install --no-deps molsets" in remedy
        write_text(folder / "train.csv.gz", "SMILES\nCCN\n")

    monkeypatch.setattr(sources, "installed_file", lambda package, path: None)
    monkeypatch.setattr(sources, "fetch", fetch)
    assert list(open_source("moses", tmp_path / "empty").rows()) == [(0, "CCN")]


def test_rows_of_chembl_are_counted_over_its_files(tmp_path: Path):
    files = write_chembl(tmp_path)
    given = open_source("chembl", tmp_path)
    assert given.files == files
    assert list(given.rows()) == list(enumerate([*AMINES, *NITRILES]))
    assert list(open_source("chembl", tmp_path, files[1]).rows()) == list(enumerate(NITRILES))
    with pytest.raises(ValueError, match=r"there is no file .*nowhere, and no \.smi, \.smi\.gz"):
        open_source("chembl", tmp_path, tmp_path / "nowhere")


@pytest.fixture
def small_qm9(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (qm9, sources):
        monkeypatch.setattr(module, "NUM_MOLECULES", 12)
        monkeypatch.setattr(module, "SPLIT_SIZES", (7, 2))


@pytest.mark.usefixtures("small_qm9")
@pytest.mark.parametrize("kind", ["raw", "package"])
def test_of_qm9_the_parts_are_those_of_its_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    package = write_package(tmp_path / "package", qm9_molecules())
    monkeypatch.setattr(sources, "package_files", lambda: package)
    monkeypatch.setattr(qm9, "package_files", lambda: package)
    if kind == "raw":
        write_raw(tmp_path / "qm9" / "raw", qm9_molecules())
    dataset = qm9.QM9(tmp_path / "qm9", progress=False)
    split = dataset.get_split()
    train, rest = open_source("qm9", tmp_path), sources.qm9_rows(None, tmp_path, held_out=True)
    assert [row for row, _ in train.rows()] == dataset.row[split.train].sort().values.tolist()
    assert [row for row, _ in rest.rows()] == torch.cat([split.valid, split.test]).sort().values.tolist()
    assert (train.num_rows, train.num_taken, rest.num_taken) == (12, 7, 5)
    found = train.reader([entry for _, entry in train.rows()], [0] * 7, lambda item: None)
    for (row, _), mol in zip(train.rows(), found, strict=True):
        np.testing.assert_allclose(mol.GetConformer().GetPositions(), dataset[row].pos, atol=1e-4)


@pytest.mark.usefixtures("small_qm9")
def test_of_qm9_a_sample_is_drawn(tmp_path: Path):
    write_raw(tmp_path / "qm9" / "raw", qm9_molecules())
    whole, drawn = open_source("qm9", tmp_path), open_source("qm9", tmp_path, size=3)
    assert (drawn.num_rows, drawn.num_taken) == (12, 3)
    assert drawn.choice == {**whole.choice, "size": 3, "sample_seed": 0}
    rows = [row for row, _ in whole.rows()]
    values = dict(zip(rows, ranks(map(str, rows), "sample", 0).tolist(), strict=True))
    assert [row for row, _ in drawn.rows()] == sorted(sorted(rows, key=values.__getitem__)[:3])
    assert open_source("qm9", tmp_path, size=7).choice == whole.choice


@pytest.mark.usefixtures("small_qm9")
def test_qm9_in_a_place_of_its_own_is_not_taken_from_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = write_package(tmp_path / "package", qm9_molecules())
    monkeypatch.setattr(sources, "package_files", lambda: package)
    with pytest.raises(ValueError, match=r"there is no QM9: .* into .*elsewhere"):
        open_source("qm9", tmp_path, tmp_path / "elsewhere")


def test_without_qm9_or_with_a_part_of_it_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "package_files", lambda: None)
    with pytest.raises(ValueError, match=r"pip install 'pyg-moleblend\[qm9\]', or put gdb9.sdf, .* into"):
        open_source("qm9", tmp_path)
    write_raw(tmp_path / "qm9" / "raw", qm9_molecules())
    with pytest.raises(ValueError, match="QM9 has 130831 molecules, the files hold 12"):
        list(open_source("qm9", tmp_path).rows())


def test_of_pcqm4mv2_the_training_part_counts(tmp_path: Path):
    write_pcqm4mv2(tmp_path / "pcqm4m-v2")
    given = open_source("pcqm4mv2", tmp_path)
    assert [path.name for path in given.files] == ["data.csv.gz", "split_dict.pt", "pcqm4m-v2-train.sdf.tar.gz"]
    rows = list(given.rows())
    assert [(row, entry.smiles) for row, entry in rows] == list(enumerate(PCQM4MV2[:6]))
    assert all(entry.record is not None for _, entry in rows)
    drawn = open_source("pcqm4mv2", tmp_path, size=4)
    assert (drawn.num_rows, drawn.num_taken, drawn.choice) == (6, 4, {"part": "train", "size": 4, "sample_seed": 0})
    assert len(list(drawn.rows())) == 4
    assert [row for row in rows if row in list(drawn.rows())] == list(drawn.rows())  # with their own records
    (tmp_path / "pcqm4m-v2" / "pcqm4m-v2-train.sdf.tar.gz").unlink()
    assert all(entry.record is None for _, entry in open_source("pcqm4mv2", tmp_path).rows())


def test_pcqm4mv2_may_be_a_table_of_cxsmiles(tmp_path: Path):
    text = "[H]O[H] |(0,0,1;0,0,0;0,1,0)|"
    path = write_text(tmp_path / "some.csv.gz", f'smiles,gap\n"{text}",1.5\n')
    given = open_source("pcqm4mv2", tmp_path, path)
    assert list(given.rows()) == [(0, text)]
    (mol,) = given.reader([text], [0], lambda item: None)
    assert mol.GetConformer().GetPositions().tolist() == [[0, 0, 0]]


def test_every_source_says_whose_it_is():
    for name, source in SOURCES.items():
        assert source.title, name
        assert source.licence, name
        assert "doi:" in source.citation or "arXiv:" in source.citation, name
    assert list(SOURCES) == ["qm9", "pcqm4mv2", "chembl", "moses"]  # those with structures come first
