r"""Files that are complete or not there, what tells one content from another, and folders with one writer."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import uuid4

from filelock import FileLock, Timeout

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_write(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    r"""Opens a file for writing that appears at `path` only once it is complete.

    The content goes to a temporary name in the same folder, is forced to disk, and is renamed at the end of
    the ``with`` block. Whatever interrupts it, a reader finds the old file or the new one, never a part.

    Args:
        path: Where the file shall be; missing folders are made.
        mode: ``"wb"`` for bytes, ``"w"`` for UTF-8 text.

    Raises:
        ValueError: If `mode` is neither ``"wb"`` nor ``"w"``, or what is to be a folder is a file.
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"an atomic write replaces the whole file: mode must be 'wb' or 'w', got {mode!r}")
    path = Path(path)
    _check_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    text = None if mode == "wb" else "utf-8"
    newline = None if mode == "wb" else "\n"
    try:
        with open(temporary, mode.replace("w", "x"), encoding=text, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise OSError(error.errno, f"{error.strerror}, so it is not written", str(path)) from error
        raise
    _sync_folder(path.parent)


def refuse_overwriting(out: str | Path, *inputs: str | Path | None) -> None:
    r"""Raises :class:`ValueError` where what is to be written, a file or a folder, is one that is read, by whatever
    name or link, or a file that lies already in a folder that is read, or where a file is in the place of its folder.

    Args:
        out: What is to be written.
        inputs: Files and folders that are read; what is none is not looked at.
    """
    _check_place(Path(out))
    for given in inputs:
        if given is None or not (os.path.exists(out) and os.path.exists(given)):
            continue
        within = os.path.isfile(out) and Path(given).resolve() in Path(out).resolve().parents
        if os.path.samefile(out, given) or within:
            raise ValueError(f"{out} would be overwritten, and is what is read, or part of it ({given}): name another")


def _check_place(path: Path) -> None:
    for folder in path.parents:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{path} cannot be written: {folder} is a file, not a folder; name another place")


def content_key(**parts: Any) -> str:
    r"""A short key of named values, for file names: equal values give equal keys in every process.

    Args:
        parts: Values that JSON can hold.

    Returns:
        16 hexadecimal digits of the SHA-256 of the values' canonical JSON.

    Raises:
        TypeError: If a value is not one that JSON can hold.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sync_folder(folder: Path) -> None:
    # A rename is safe against a power cut only when the folder's own entry is on disk. Windows cannot open a
    # folder, and has no need to.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Digest(NamedTuple):
    r"""What tells a whole file from a damaged one.

    Attributes:
        bytes: Its size.
        sha256: Of its content, hexadecimal.
    """

    bytes: int
    sha256: str


def digest(path: str | Path) -> Digest:
    r"""Size and SHA-256 of a file."""
    return Digest(Path(path).stat().st_size, digest_of(path))


def digest_of(path: str | Path, algorithm: str = "sha256") -> str:
    r"""Checksum of a file in hexadecimal digits."""
    found = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def is_whole(path: Path, known: Digest) -> bool:
    r"""Whether a file is there with the size and the checksum that are known of it."""
    # The size first: it costs nothing.
    return path.is_file() and path.stat().st_size == known.bytes and digest_of(path) == known.sha256


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    r"""A place to write files to that appear in a folder together, where there is nothing in it yet.

    Into a folder that holds files the new ones go one by one.
    """
    if folder.is_dir() and any(folder.iterdir()):
        yield folder
        return
    place = folder.with_name(f".{folder.name}.{uuid4().hex}.tmp")
    place.mkdir(parents=True)
    try:
        yield place
        os.replace(place, folder)  # of an empty folder it takes the place
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    _sync_folder(folder.parent)


def remove_leftovers(folder: Path) -> None:
    r"""Removes what :func:`atomic_write` has left in a folder in processes that were killed; there may be no folder."""
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)  # another process may do so, too


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    r"""Held while files are made in a folder, by one process at a time.

    Another one is refused, not made to wait: it could be for hours, and the wait would look like a fault.

    Raises:
        ValueError: If another process holds it.
    """
    lock = FileLock(folder / ".writer", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(f"another process is at work in {folder}: wait for it, or name another folder") from error
    try:
        yield
    finally:
        lock.release()
