import zipfile
from pathlib import Path

import pytest

from pyg_moleblend.datasets.moleculeace import sources
from pyg_moleblend.datasets.moleculeace.sources import SHA256, TARGETS, URL, put_files


def test_there_are_thirty_targets():
    assert len(TARGETS) == 30
    assert sum(TARGETS.values()) == 48_714  # as published
    assert {name.partition("_")[2] for name in TARGETS} == {"Ki", "EC50"}


def test_files_come_from_the_package_and_else_from_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    packaged = tmp_path / "package" / "a.csv"
    packaged.parent.mkdir()
    packaged.write_text("packaged")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "b.csv").write_text("in place")
    asked = []

    def fetch(url, folder, names, remedy, log, sha256):
        asked.append((url, Path(folder), names, sha256))
        assert "pip download --no-deps moleculeace==3.0.0" in remedy

    wanted = "Data/benchmark_data/a.csv"
    monkeypatch.setattr(sources, "fetch", fetch)
    monkeypatch.setattr(sources, "installed_file", lambda package, path: packaged if path == wanted else None)
    put_files(raw, ["a", "b"], progress=False)
    assert ((raw / "a.csv").read_text(), (raw / "b.csv").read_text(), asked) == ("packaged", "in place", [])
    put_files(raw, ["a", "b", "c", "d"], progress=False)
    members = {f"MoleculeACE/Data/benchmark_data/{name}.csv": f"{name}.csv" for name in "cd"}
    assert asked == [(URL, raw, members, SHA256)]


def test_the_archive_is_read_member_by_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def download(url, path, sha256, progress, remedy):
        assert (url, sha256) == (URL, SHA256)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("MoleculeACE/Data/benchmark_data/a.csv", "text")
            archive.writestr("MoleculeACE/__init__.py", "raise SystemExit")
        return path

    monkeypatch.setattr("pyg_moleblend.datasets.io.raw.download", download)
    put_files(tmp_path, ["a"], progress=False)
    assert (tmp_path / "a.csv").read_text() == "text"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
