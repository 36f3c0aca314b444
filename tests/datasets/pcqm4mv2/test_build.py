from pathlib import Path

import pytest
from pcqm4mv2_files import write_pcqm4mv2

from pyg_moleblend.datasets import PCQM4Mv2
from pyg_moleblend.datasets.io.download import OFFLINE
from pyg_moleblend.datasets.pcqm4mv2 import build as pcqm4mv2_build


def test_is_downloaded_from_where_ogb_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(url: str, folder: Path, names: dict[str, str], remedy: str, progress: bool) -> None:
        asked.append(url)
        write_pcqm4mv2(folder)
        (folder / "pcqm4m-v2-train.sdf.tar.gz").unlink()

    def download(url: str, path: Path, md5: str, progress: bool) -> Path:
        asked.append((url, path, md5))
        raise ConnectionError

    monkeypatch.setattr(pcqm4mv2_build, "fetch", fetch)
    monkeypatch.setattr(pcqm4mv2_build, "download", download)
    with pytest.raises(ConnectionError):
        PCQM4Mv2(tmp_path, progress=False)
    path = tmp_path / "pcqm4m-v2" / "pcqm4m-v2-train.sdf.tar.gz"
    assert asked == [
        "https://dgl-data.s3-accelerate.amazonaws.com/dataset/OGB-LSC/pcqm4m-v2.zip",
        ("http://ogb-data.stanford.edu/data/lsc/pcqm4m-v2-train.sdf.tar.gz", path, "fd72bce606e7ddf36c2a832badeec6ab"),
    ]


def test_the_structures_may_be_deleted_once_they_are_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFLINE, "1")
    raw = tmp_path / "pcqm4m-v2"
    write_pcqm4mv2(raw)
    dataset = PCQM4Mv2(tmp_path, progress=False)
    (raw / "pcqm4m-v2-train.sdf.tar.gz").unlink()
    assert PCQM4Mv2(tmp_path, progress=False).folder == dataset.folder
    for other in ({"chirality": "none"}, {"shard_size": 7}):
        with pytest.raises(RuntimeError, match=r"cannot download .*offline.* in place yourself, .*\.sdf\.tar\.gz"):
            PCQM4Mv2(tmp_path, progress=False, **other)  # type: ignore[arg-type]
    (dataset.folder / "manifest.json").unlink()  # not complete
    with pytest.raises(RuntimeError, match="cannot download"):
        PCQM4Mv2(tmp_path, progress=False)


@pytest.mark.parametrize("place", [".", "pcqm4m-v2", "pcqm4m-v2/raw"])
def test_structures_are_found_where_people_put_them(tmp_path: Path, place: str) -> None:
    write_pcqm4mv2(tmp_path / "pcqm4m-v2")
    name = "pcqm4m-v2-train.sdf.tar.gz"
    (tmp_path / "pcqm4m-v2" / name).rename(tmp_path / place / name)
    assert PCQM4Mv2(tmp_path, progress=False)[0].pos.isfinite().all()


def test_offline_says_where_the_files_are_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFLINE, "1")
    with pytest.raises(RuntimeError, match=f"put OGB's files into {tmp_path}/pcqm4m-v2"):
        PCQM4Mv2(tmp_path, progress=False)
