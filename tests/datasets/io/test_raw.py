import gzip
import sys
import zipfile
from pathlib import Path

import pytest

from pyg_moleblend.datasets.io import raw
from pyg_moleblend.datasets.io.raw import copy_file, fetch, installed_file, read_csv


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    r"""A folder whose files PyG downloads, by the last part of the address."""
    folder = tmp_path / "server"
    folder.mkdir()
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("a.csv", "a\n")
        archive.writestr("b.csv", "b\n")
    (folder / "c.csv.gz").write_bytes(gzip.compress(b"c\n"))
    (folder / "1234").write_text("d\n")

    def download(url: str, path: Path, sha256: str | None, progress: bool, remedy: str) -> Path:
        name = url.rsplit("/", 1)[1]
        if not (folder / name).exists():
            raise RuntimeError(f"cannot download {url}: unreachable; {remedy}")
        path.write_bytes((folder / name).read_bytes())
        return path

    monkeypatch.setattr(raw, "download", download)
    return folder


@pytest.mark.usefixtures("server")
def test_fetches_archives_and_files_under_the_wanted_name(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    fetch("http://x/all.zip", folder, {"a.csv": "a.csv", "b.csv": "other.csv"}, "", progress=False)
    fetch("http://x/c.csv.gz", folder, {"c.csv": "c.csv"}, "", progress=False)
    fetch("http://x/1234", folder, {"1234": "d.txt"}, "", progress=False)
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    assert contents == {"a.csv": "a\n", "other.csv": "b\n", "c.csv": "c\n", "d.txt": "d\n"}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://x/missing.zip", r"cannot download http://x/missing\.zip: .*unreachable.*; do it by hand"),
        ("http://x/all.zip", r"http://x/all\.zip does not hold \['z\.csv'\]; do it by hand"),
    ],
)
def test_a_failure_says_what_to_do_and_leaves_nothing(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        fetch(url, tmp_path / "raw", {"a.csv": "a.csv", "z.csv": "z.csv"}, "do it by hand", progress=False)
    assert not list((tmp_path / "raw").iterdir())


@pytest.mark.parametrize(("name", "member"), [("all.zip", "a.csv"), ("c.csv.gz", "c.csv")])
def test_a_damaged_archive_is_named_and_leaves_nothing(tmp_path: Path, server: Path, name: str, member: str) -> None:
    content = bytearray((server / name).read_bytes())
    content[-5 if name.endswith(".gz") else content.index(b"a\n")] ^= 0xFF  # the length, or the content
    (server / name).write_bytes(content)
    with pytest.raises(RuntimeError, match=rf"cannot take \['{member}'\] out of http://x/{name}: .*; by hand"):
        fetch(f"http://x/{name}", tmp_path / "raw", {member: "a.csv"}, "by hand", progress=False)
    assert not list((tmp_path / "raw").iterdir())


def test_an_archive_writes_nowhere_else(tmp_path: Path, server: Path) -> None:
    with zipfile.ZipFile(server / "evil.zip", "w") as archive:
        archive.writestr("../../evil.csv", "evil\n")
        archive.writestr("a.csv", "a\n")
    fetch("http://x/evil.zip", tmp_path / "raw" / "deep", {"a.csv": "a.csv"}, "", progress=False)
    assert not list(tmp_path.rglob("evil.csv"))
    assert [path.name for path in (tmp_path / "raw" / "deep").iterdir()] == ["a.csv"]


def test_an_installed_file_is_found_without_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "broken_package"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "data" / "x.csv").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_file("broken_package", "data/x.csv") == package / "data" / "x.csv"
    assert installed_file("broken_package", "data/y.csv") is None
    assert installed_file("no_such_package", "data/x.csv") is None
    assert "broken_package" not in sys.modules


def test_copies(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x00" * 1000)
    copy_file(tmp_path / "a", tmp_path / "raw" / "b")
    assert (tmp_path / "raw" / "b").read_bytes() == b"\x00" * 1000


def test_a_table_has_its_texts_as_they_are(tmp_path: Path) -> None:
    text = "id,smiles,y\n007,C,1.5\n008,,\n"
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.csv", "a.csv.gz"):
        table = read_csv(tmp_path / name, "whose", ["smiles"], ["id", "smiles"])
        assert table.columns.tolist() == ["id", "smiles", "y"]
        assert table["id"].tolist() == ["007", "008"]
        assert table["smiles"].isna().tolist() == [False, True]
    with pytest.raises(ValueError, match=r"a\.csv has no columns \['z'\], only \['id', .*; it is not QM7's file"):
        read_csv(tmp_path / "a.csv", "QM7's", ["smiles", "z"], [])


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize(
    "content", [b"", b'a,b\n1,"2', b"a,b\n1,2,3,4\n1\n5,6,7", b"\xff", gzip.compress(b"a" * 99, mtime=0)[:-9]]
)
def test_a_damaged_table_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} is damaged: .*; delete it, and it is downloaded again"):
        read_csv(tmp_path / name, "whose", [], [])
