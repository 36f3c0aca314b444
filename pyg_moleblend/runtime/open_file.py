r"""Files as they are, whatever they were compressed or encoded by, and errors that name them."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
r"""Suffixes of compressed files. What a file is compressed by is told by its first bytes, whatever it is called."""

MOST_VALUES = 1_000_000
r"""Values that a YAML file may stand for: some hundred bytes of aliases can mean billions."""

DEEPEST = 100
r"""Levels of a YAML file: a longer nest of brackets takes PyYAML minutes."""

_ENCODINGS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_MARKS = (b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
_HEAD = 1 << 16

LONGEST = 1 << 26
r"""Bytes of the longest line, and characters of the longest record: a small file may unpack to one without an end."""


PICKLE_DAMAGE: tuple[type[Exception], ...] = (
    pickle.UnpicklingError,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
r"""What the reading of a damaged or hand-made file of :func:`torch.save` ends in, with ``weights_only``."""


class TooLongError(ValueError):
    r"""A line or a record without an end, or values without number."""


@contextmanager
def damage_named(path: str | Path) -> Iterator[None]:
    r"""Turns what decoders raise for a damaged file into a :class:`ValueError` that names it."""
    try:
        yield
    except OSError as error:
        if error.errno is not None or isinstance(error, FileNotFoundError):  # of the system, which names the file
            raise
        raise ValueError(f"{path} is damaged: {error}") from error
    except (EOFError, zlib.error, lzma.LZMAError, BadZipFile, NotImplementedError, TooLongError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


@contextmanager
def content_named(what: str | Path) -> Iterator[None]:
    r"""Turns what comes of values that a file should not hold (a text for a number, a key that is missing) into a
    :class:`ValueError` that names it."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"{what} is damaged: {type(error).__name__}: {error}") from error


def open_bytes(path: str | Path, file: io.BufferedReader | None = None) -> IO[bytes]:
    r"""Opens a file for reading, decompressed if its first bytes say that it is compressed: by gzip, bzip2, xz,
    Zstandard, or as the one file of a zip archive.

    Args:
        path: What the file is called.
        file: What is to be read, if it is open already.

    Raises:
        ValueError: If an archive holds several files, or one that needs a password, or is read from a pipe.
        FileNotFoundError: If there is no such file.
    """
    if file is None:
        with open(path, "rb") as opened:
            head = _first_bytes(opened, _MARKS)
    else:
        head = _first_bytes(file, _MARKS)
        file = io.BufferedReader(_PutBack(head, file))
    source: Any = path if file is None else file
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(source))
    if head.startswith(b"BZh") and head[3:4].isdigit():
        return bz2.open(source)
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast(IO[bytes], lzma.open(source))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow as pa

        raw = pa.OSFile(str(path)) if file is None else pa.PythonFile(file)
        return io.BufferedReader(pa.CompressedInputStream(raw, "zstd"))
    if head.startswith(b"PK\x03\x04"):
        return _open_member(path, source)
    return open(path, "rb") if file is None else file


def open_text(path: str | Path, file: IO[bytes] | None = None) -> IO[str]:
    r"""Opens a file as text, decompressed as :func:`open_bytes` does. Lines end with ``"\n"``.

    A byte-order mark says whether it is UTF-8, UTF-16 or UTF-32; without one it is UTF-8, and bytes that are none are
    kept as backslash escapes.

    Reading ends with a :class:`ValueError` in a line of more than :data:`LONGEST` bytes.

    Args:
        path: What the file is called.
        file: What is to be read, if it is open already.
    """
    lines: Any = io.BufferedReader(_WithLines(open_bytes(path) if file is None else file), _HEAD)
    with damage_named(path):
        head = _first_bytes(lines, _ENCODINGS)
    raw = io.BufferedReader(_PutBack(head, lines), _HEAD)
    encoding = next((name for mark, name in _ENCODINGS.items() if head.startswith(mark)), "utf-8")
    return io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace")


def read_head(path: str | Path) -> bytes:
    r"""The first 64 kB of a file, decompressed."""
    with damage_named(path), open_bytes(path) as file:
        return file.read(_HEAD)


def read_json(path: str | Path) -> Any:
    r"""What a JSON file holds.

    Raises:
        ValueError: If it is none, or is nested so deeply that Python cannot read it.
        FileNotFoundError: If there is no such file.
    """
    return parse_json(Path(path).read_bytes(), path)


def parse_json(text: str | bytes, name: str | Path) -> Any:
    r"""What a JSON text holds; errors call it by the name."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{name} is damaged: its JSON is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{name} is damaged: {error}") from error


def read_yaml(path: str | Path) -> Any:
    r"""What a YAML file holds, as plain values.

    Raises:
        ValueError: If it is none, is nested deeper than :data:`DEEPEST`, or its aliases stand for more than
            :data:`MOST_VALUES`.
        FileNotFoundError: If there is no such file.
    """
    import yaml

    with open(path, encoding="utf-8") as file:
        try:
            text, depth = file.read(), 0
            for event in yaml.parse(text, yaml.SafeLoader):  # what takes the time of its square, and has no end else
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > DEEPEST:
                    raise TooLongError(f"{path} is damaged: it is nested deeper than {DEEPEST} levels")
            content = yaml.safe_load(text)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
    if _count_values(content, {}) > MOST_VALUES:
        raise TooLongError(f"{path} is damaged: its aliases stand for more than {MOST_VALUES} values")
    return content


def _count_values(tree: Any, counted: dict[int, int]) -> int:
    r"""Values of a tree, those that stand in several places counted there; one in itself counts as too many."""
    if not isinstance(tree, (dict, list)):
        return 1
    if id(tree) not in counted:
        counted[id(tree)] = MOST_VALUES + 1
        inner = tree.values() if isinstance(tree, dict) else tree
        counted[id(tree)] = 1 + sum(_count_values(value, counted) for value in inner)
    return counted[id(tree)]


def _first_bytes(file: IO[bytes], marks: Iterable[bytes]) -> bytes:
    r"""As many bytes as it takes to tell which mark a file begins with: somebody may still be typing the second."""
    head = b""
    while any(mark.startswith(head) and head != mark for mark in marks) and (byte := file.read(1)):
        head += byte
    return head


class _PutBack(io.RawIOBase):
    r"""A file whose first bytes have been read already."""

    def __init__(self, head: bytes, file: Any) -> None:
        self._head = head
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._head:
            return int(self._file.readinto1(buffer))
        count = min(len(buffer), len(self._head))
        buffer[:count], self._head = self._head[:count], self._head[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _WithLines(io.RawIOBase):
    r"""A file that is read in blocks, and ends with an error where no line ends for too long."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file: Any = file
        self._since = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer)
        block = bytes(buffer[:count])
        end = max(block.rfind(b"\n"), block.rfind(b"\r"))
        self._since = self._since + count if end < 0 else count - end
        if self._since > LONGEST:
            raise TooLongError(f"a line has more than {LONGEST} bytes")
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _open_member(path: str | Path, source: Any) -> IO[bytes]:
    if isinstance(source, io.BufferedReader) and not source.seekable():
        raise ValueError(f"{path} is a zip archive, whose list of files is at its end: unpack it first")
    with damage_named(path):
        archive = ZipFile(source)
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if "xl/workbook.xml" in names:
            raise ValueError(f"{path} is a spreadsheet: save it as .csv")
        if len(names) != 1:
            raise ValueError(
                f"{path} holds {len(names)} files, expected one: {names[:5]}; take the one you mean out of it"
            )
        try:
            return archive.open(names[0])
        except RuntimeError as error:
            raise ValueError(f"{path} cannot be read: {error}; unpack it first") from error
