r"""Files that are either complete or not there, and keys that tell one content from another."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4


@contextmanager
def atomic_write(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    r"""Opens a file for writing that appears at `path` only once it is complete.

    The content goes to a temporary name in the same folder, is forced to disk, and is renamed at the end of
    the ``with`` block. Whatever interrupts it, a reader finds the old file or the new one, never a part.

    Args:
        path: Where the file shall be; missing folders are made.
        mode: ``"wb"`` for bytes, ``"w"`` for UTF-8 text.

    Raises:
        ValueError: If `mode` is neither ``"wb"`` nor ``"w"``.
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"an atomic write replaces the whole file: mode must be 'wb' or 'w', got {mode!r}")
    path = Path(path)
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
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


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
