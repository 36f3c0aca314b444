import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from pyg_moleblend.datasets.io import download as module
from pyg_moleblend.datasets.io.download import OFFLINE, download
from pyg_moleblend.runtime.files import digest_of

CONTENT = bytes(range(256)) * 50
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    r"""Answers with what the path asks for, and counts the questions."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        kind = self.path.rsplit("/", 1)[1]
        self.asked.append(kind)
        attempt = self.asked.count(kind)
        if kind == "missing" or (kind == "busy" and attempt < 3):
            self.send_error(404 if kind == "missing" else 503)
            return
        self.send_response(200)
        if kind != "unannounced":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        cut = kind == "unannounced" or kind == "broken" or (kind == "breaks" and attempt < 2)
        self.wfile.write(CONTENT[:1000] if cut else CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Server.asked.clear()
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.0)
    monkeypatch.delenv(OFFLINE, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_is_in_place_is_used(tmp_path: Path, url: str) -> None:
    path = tmp_path / "new" / "file"
    for _ in range(2):
        assert download(f"{url}/file", path, SHA256, MD5, len(CONTENT), progress=False) == path
    assert path.read_bytes() == CONTENT
    assert Server.asked == ["file"]
    assert digest_of(path) == SHA256


@pytest.mark.parametrize(("kind", "attempts"), [("busy", 3), ("breaks", 2)])
def test_is_tried_again(tmp_path: Path, url: str, kind: str, attempts: int) -> None:
    path = download(f"{url}/{kind}", tmp_path / "file", progress=False)
    assert path.read_bytes() == CONTENT
    assert len(Server.asked) == attempts


@pytest.mark.parametrize(
    ("kind", "attempts", "message"),
    [
        ("missing", 1, "404"),
        ("broken", 3, r"1000 bytes arrived, expected 12800.*\(3 attempts\)"),
        ("unannounced", 3, r"1000 bytes arrived, expected 12800"),
    ],
)
def test_a_failure_is_told_and_leaves_nothing(tmp_path: Path, url: str, kind: str, attempts: int, message: str) -> None:
    with pytest.raises(RuntimeError, match=rf"cannot download {url}/{kind}: .*{message}.*in place yourself, .*/file"):
        download(f"{url}/{kind}", tmp_path / "file", size=len(CONTENT), retries=2, progress=False)
    assert len(Server.asked) == attempts
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["sha256", "md5"])
def test_another_content_is_refused(tmp_path: Path, url: str, name: str) -> None:
    wrong = {name: "0" * (64 if name == "sha256" else 32)}
    with pytest.raises(RuntimeError, match=rf"its {name} is [0-9a-f]+, expected 0+"):
        download(f"{url}/file", tmp_path / "file", **wrong, retries=0, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_in_place_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match=rf"{path} is damaged .*12799 bytes, expected 12800; delete it"):
        download("http://unused", path, size=len(CONTENT))
    with pytest.raises(ValueError, match=r"its md5 is .*, expected"):
        download("http://unused", path, md5=MD5)


def test_offline(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    message = rf"cannot download .* turned off.*put the file in place yourself, {path}"
    with pytest.raises(RuntimeError, match=message):
        download(f"{url}/file", path, offline=True)
    monkeypatch.setenv(OFFLINE, "1")
    with pytest.raises(RuntimeError, match=message):
        download(f"{url}/file", path)
    path.write_bytes(CONTENT)
    assert download(f"{url}/file", path, SHA256) == path
    assert not Server.asked
    monkeypatch.setenv(OFFLINE, "yes")
    with pytest.raises(ValueError, match=r"MOLEBLEND_OFFLINE must be 0 or 1, got 'yes'"):
        download(f"{url}/file", tmp_path / "other")


def test_a_negative_number_of_retries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        download("http://unused", tmp_path / "file", retries=-1)
