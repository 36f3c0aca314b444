from pathlib import Path

import pytest
from corpus_files import write_benchmarks, write_text

from pyg_moleblend.datasets.corpus import BENCHMARKS, benchmarks
from pyg_moleblend.datasets.corpus.benchmarks import open_benchmark
from pyg_moleblend.datasets.moleculenet.dataset import SOURCES


def texts(name: str, root: Path) -> list[str]:
    return [text for _, text in open_benchmark(name, root, progress=False).rows()]


def test_files_are_found_where_they_may_lie(tmp_path: Path):
    write_benchmarks(tmp_path, esol=["CCO"], ogb=["CCN"], ace=["CCS", "CCF"])
    assert texts("esol", tmp_path) == ["C[Si](C)(C)C", "CCO"]
    assert texts("freesolv", tmp_path) == ["CS", "no molecule"]
    assert texts("ogbg-molesol", tmp_path) == ["CS", "CCN"]
    found = texts("moleculeace", tmp_path)
    assert (len(found), found[:4]) == (32, ["CF", "CCS", "CF", "CCF"])
    # The place of our own dataset class goes before the others.
    write_text(tmp_path / "freesolv" / "raw" / "SAMPL.csv", "iupac,smiles\n,CCCS\n")
    assert texts("freesolv", tmp_path) == ["CCCS"]


def test_what_is_not_there_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    urls = []

    def fetch(url, folder, names, remedy, log):
        urls.append(url)
        for name in names.values():
            write_text(Path(folder) / name, "smiles,mol\nCC,CCC\n")

    monkeypatch.setattr(benchmarks, "fetch", fetch)
    monkeypatch.setattr(benchmarks, "installed_file", lambda package, path: None)
    assert texts("bace", tmp_path) == ["CCC"]
    assert texts("muv", tmp_path) == ["CC"]
    assert texts("ogbg-molbbbp", tmp_path) == ["CC"]
    assert [url.rsplit("/", 1)[1] for url in urls] == ["bace.csv", "muv.csv.gz", "bbbp.zip"]
    assert (tmp_path / "bace" / "raw" / "bace.csv").is_file()
    assert texts("bace", tmp_path) == ["CCC"]
    assert len(urls) == 3


def test_freesolv_may_come_from_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    packaged = write_text(tmp_path / "package" / "freesolv.csv", "iupac,smiles\n,CCBr\n")
    monkeypatch.setattr(benchmarks, "installed_file", lambda package, path: packaged)
    assert texts("freesolv", tmp_path) == ["CCBr"]


def test_every_small_benchmark_is_among_them():
    assert set(SOURCES) - {"pcba"} | {"ogbg-molesol", "ogbg-molbbbp", "moleculeace", "qm9"} == set(BENCHMARKS)
    assert len(BENCHMARKS) == 15


def test_errors(tmp_path: Path):
    with pytest.raises(ValueError, match="unknown benchmark 'qm7': expected some of bace, "):
        open_benchmark("qm7", tmp_path)
    write_text(tmp_path / "moleculenet" / "bace.csv", "a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"bace\.csv is damaged or another file: .*mol"):
        texts("bace", tmp_path)
