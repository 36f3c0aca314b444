r"""Files from the web: complete, checked, tried again, and never with a question."""

import hashlib
import os
import time
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from pyg_moleblend.runtime.files import atomic_write, digest_of

OFFLINE = "MOLEBLEND_OFFLINE"
r"""Environment variable: with ``1`` nothing is downloaded."""

_CHUNK = 1 << 20
_TIMEOUT = 60.0  # seconds without a byte
_FIRST_WAIT = 1.0  # seconds; doubled with every further attempt


def download(
    url: str,
    path: str | Path,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    retries: int = 3,
    offline: bool | None = None,
    progress: bool = True,
    remedy: str | None = None,
) -> Path:
    r"""Downloads a file unless it is in place.

    The file appears at `path` only once it is complete and is what it should be. A connection that breaks is
    tried again; an answer that will not change (such as "not found") is not.

    Args:
        url: Its address.
        path: Where it shall be.
        sha256: Its SHA-256 in hexadecimal digits, if it is known.
        md5: Its MD5, for publishers who give no other.
        size: Its size in bytes, if it is known.
        retries: How many more attempts there are after the first.
        offline: Whether downloads are forbidden; by default the environment variable :data:`OFFLINE` says so.
        progress: Whether to show a progress bar.
        remedy: What to do where it cannot be downloaded; by default, to put the file in place.

    Returns:
        The path.

    Raises:
        ValueError: If the file in place is not the one that is meant, or `retries` is negative.
        RuntimeError: If it is not in place and cannot be downloaded, with what to do about it.
    """
    if retries < 0:
        raise ValueError(f"`retries` must not be negative, got {retries}")
    path = Path(path)
    remedy = remedy or f"put the file in place yourself, {path}"
    checks = {name: digest.lower() for name, digest in (("sha256", sha256), ("md5", md5)) if digest is not None}
    if path.is_file():
        if wrong := _difference(path, checks, size):
            raise ValueError(f"{path} is damaged or another file: {wrong}; delete it, and it is downloaded again")
        return path
    if is_offline() if offline is None else offline:
        raise RuntimeError(f"cannot download {url}: downloads are turned off (offline, {OFFLINE}); {remedy}")
    for attempt in range(retries + 1):
        try:
            _fetch(url, path, checks, size, progress)
        except (OSError, HTTPException) as error:  # URLError is an OSError, and so are time-outs and resets
            final = isinstance(error, HTTPError) and error.code < 500 and error.code not in (408, 429)
            if final or attempt == retries:
                tried = f" ({attempt + 1} attempts)" if attempt else ""
                raise RuntimeError(f"cannot download {url}: {error}{tried}; {remedy}") from error
            time.sleep(_FIRST_WAIT * 2**attempt)
        else:
            break
    return path


def is_offline() -> bool:
    r"""Whether the environment forbids downloads.

    Raises:
        ValueError: If the environment variable :data:`OFFLINE` is neither 0 nor 1.
    """
    value = os.environ.get(OFFLINE, "")
    if value not in ("", "0", "1"):
        raise ValueError(f"the environment variable {OFFLINE} must be 0 or 1, got {value!r}")
    return value == "1"


def _difference(path: Path, checks: dict[str, str], size: int | None) -> str:
    if size is not None and path.stat().st_size != size:
        return f"it has {path.stat().st_size} bytes, expected {size}"
    for name, expected in checks.items():
        if (found := digest_of(path, name)) != expected:
            return f"its {name} is {found}, expected {expected}"
    return ""


def _fetch(url: str, path: Path, checks: dict[str, str], size: int | None, progress: bool) -> None:
    request = Request(url, headers={"User-Agent": "pyg-moleblend"})
    with closing(urlopen(request, timeout=_TIMEOUT)) as answer, atomic_write(path) as file:
        announced = answer.headers.get("Content-Length")
        expected = int(announced) if announced is not None else size
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in checks}
        received = 0
        with tqdm(total=expected, desc=path.name, disable=not progress, unit="B", unit_scale=True) as bar:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                received += len(chunk)
                bar.update(len(chunk))
                for digest in digests.values():
                    digest.update(chunk)
        for wanted in (expected, size):
            if wanted is not None and received != wanted:
                raise OSError(f"{received} bytes arrived, expected {wanted}")
        for name, digest in digests.items():
            if digest.hexdigest() != checks[name]:
                raise OSError(f"its {name} is {digest.hexdigest()}, expected {checks[name]}")
