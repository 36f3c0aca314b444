import bz2
import gzip
import io
import lzma
import os
import threading
import time
import zipfile
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from pyg_moleblend.runtime.open_file import (
    content_named,
    damage_named,
    open_bytes,
    open_text,
    parse_json,
    read_head,
    read_json,
    read_yaml,
)

TEXT = "smiles,y\nCCO,1\n"


def compressed(kind: str, content: bytes) -> bytes:
    if kind == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.csv", content)
            archive.writestr("__MACOSX/._a.csv", b"")
        return file.getvalue()
    if kind == "zst":
        return pa.compress(content, "zstd", asbytes=True)
    return {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "plain": bytes}[kind](content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("kind", ["plain", "gz", "bz2", "xz", "zst", "zip"])
def test_text_is_read_whatever_it_is_compressed_or_encoded_by(kind: str, encoding: str, tmp_path: Path):
    path = tmp_path / "a.csv"  # the name does not tell
    path.write_bytes(compressed(kind, TEXT.replace("\n", "\r\n").encode(encoding)))
    with open_text(path) as file:
        assert file.read() == TEXT


def through_a_pipe(content: bytes) -> io.BufferedReader:
    end, start = os.pipe()
    with open(start, "wb") as file:
        file.write(content)
    return open(end, "rb")


@pytest.mark.parametrize("kind", ["plain", "gz", "bz2", "xz", "zst"])
def test_what_comes_through_a_pipe_is_decompressed(kind: str):
    with through_a_pipe(compressed(kind, TEXT.encode())) as pipe:
        assert open_text("the pipe", open_bytes("the pipe", pipe)).read() == TEXT


@pytest.mark.parametrize(
    "content",
    [compressed("gz", TEXT.encode()), TEXT.encode("utf-16"), TEXT.encode()],
    ids=["gz", "utf-16", "plain"],  # gzip writes the time, which must not be a test's name
)
def test_the_first_byte_may_come_alone(content: bytes):
    end, start = os.pipe()

    def write_slowly():
        with open(start, "wb", buffering=0) as file:
            for part in (content[:1], content[1:3], content[3:]):
                file.write(part)
                time.sleep(0.1)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    with open(end, "rb") as pipe:
        assert open_text("the pipe", open_bytes("the pipe", pipe)).read() == TEXT
    writer.join()


def test_a_short_line_is_read_while_the_pipe_is_open():
    end, start = os.pipe()
    with open(start, "wb", buffering=0) as file, open(end, "rb") as pipe:
        file.write(b"P\n")  # as an archive begins
        assert open_bytes("the pipe", pipe).read1(2) == b"P\n"


def test_an_archive_cannot_come_through_a_pipe():
    with (
        through_a_pipe(compressed("zip", TEXT.encode())) as pipe,
        pytest.raises(ValueError, match=r"the pipe is a zip archive, .* unpack it first"),
    ):
        open_bytes("the pipe", pipe)


def test_bytes_that_are_no_text_are_kept_as_escapes(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes("name\nMüller\n".encode("latin-1"))
    with open_text(tmp_path / "a.csv") as file:
        assert file.read() == "name\nM\\xfcller\n"


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zip"])
def test_a_file_that_was_cut_off_is_named(kind: str, tmp_path: Path):
    path = tmp_path / "a"
    whole = compressed(kind, bytes(range(256)) * 200)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="a is damaged: "):
        read_head(path)


def test_an_archive_holds_one_file(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    with pytest.raises(ValueError, match=r"holds 2 files, expected one: \['a.csv', 'b.csv'\]"):
        read_head(tmp_path / "a.zip")


def test_yaml_without_an_end_of_brackets_is_named_at_once(tmp_path: Path):
    path = tmp_path / "it.yaml"
    path.write_text("a: " + "[" * 90 + "]" * 90)
    assert list(read_yaml(path)) == ["a"]
    path.write_text("a: " + "[" * 100_000)
    with pytest.raises(ValueError, match=r"it\.yaml is damaged: it is nested deeper than 100 levels"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, b"\xff"])
def test_json_that_cannot_be_read_is_named(text: str | bytes, tmp_path: Path):
    with pytest.raises(ValueError, match=r"it\.json is damaged: "):
        parse_json(text, "it.json")
    (tmp_path / "it.json").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ValueError, match=r"it\.json is damaged: "):
        read_json(tmp_path / "it.json")


def test_values_of_another_type_name_the_file():
    for fault in (lambda: {}["key"], lambda: len(3), lambda: None.values(), lambda: float(10**400)):
        with pytest.raises(ValueError, match=r"^run\.json is damaged: [A-Z]\w+Error: "), content_named("run.json"):
            fault()


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst", "zip"])
def test_a_line_without_an_end_is_not_held_in_memory(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pyg_moleblend.runtime.open_file.LONGEST", 1 << 20)
    path = tmp_path / "a.csv"
    path.write_bytes(compressed(kind, b"smiles\n" + (b"C" * 999 + b"\n") * 2000))
    with open_text(path) as file:
        assert sum(1 for _ in file) == 2001
    path.write_bytes(compressed(kind, b"smiles\n" + b"C" * (1 << 22)))
    with pytest.raises(ValueError, match=r"a\.csv is damaged: a line has more than"), damage_named(path):  # noqa: SIM117
        with open_text(path) as file:
            list(file)


def test_yaml_is_plain_values_and_as_many_as_its_file_says(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a [1, 2]\nb: {c: *a, d: é}\n", encoding="utf-8")
    assert read_yaml(path) == {"a": [1, 2], "b": {"c": [1, 2], "d": "é"}}
    names = "abcdefgh"
    lines = [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(names)]
    path.write_text(f"a: &a [1]\n{''.join(lines)}")
    with pytest.raises(ValueError, match=r"a\.yaml is damaged: its aliases stand for more than 1000000 values"):
        read_yaml(path)
    for text in ("&a [*a]", "!!python/name:os.system", "[", "a: ]"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"a\.yaml is damaged: "):
            read_yaml(path)
