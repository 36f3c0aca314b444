from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    r"""Held while shards are made in a folder, by one process at a time.

    Another one is refused, not made to wait: it could be for hours, and the wait would look like a fault.

    Raises:
        ValueError: If another process holds it.
    """
    lock = FileLock(folder / ".writer", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ValueError(f"another process makes shards in {folder}: wait for it, or name another folder") from error
    try:
        yield
    finally:
        lock.release()
